-- Takes outputs that are in the log now out of a lane's outbox. KEYS: 1 epoch, 2 outbox. ARGV: 1 the
-- caller's epoch, 2 how many. Returns 1, or 0 when another owner has acquired the lane.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('LTRIM', KEYS[2], ARGV[2], -1)
return 1
