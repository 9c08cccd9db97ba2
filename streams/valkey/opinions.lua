-- Writes a chunk of opinions and announces them under one new version, so that a reader who has
-- seen a version has seen all that came with it.
-- KEYS: version, opinions, changed. ARGV: field, opinion, field, opinion, ...
local version = redis.call('INCR', KEYS[1])
for at = 1, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  redis.call('ZADD', KEYS[3], version, ARGV[at])
end
return version
