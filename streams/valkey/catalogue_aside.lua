-- Sets a title aside that cannot be read, unless it was changed since it was read. KEYS: 1 titles,
-- 2 changed, 3 set aside. ARGV: 1 id, 2 the version at which it was read, 3 what is kept of it.
-- Returns 1 for the one caller that did it.
if (redis.call('ZSCORE', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
return 1
