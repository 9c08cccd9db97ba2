-- Writes those titles that nobody has changed since they were read, and logs them where the log is
-- on this server. KEYS: 1 titles, 2 changed, 3 version, 4 set aside; then the catalogue's streams, if
-- it is logged here. ARGV: 1 the number that stands for the time from which on the changes are in
-- force, 2 the least such time; then of each title: id, the version at which it was read ('' for a new
-- one), what to keep, what to log ('' for nothing), and the number of its stream.
-- Returns that time, the server's time, and the places (from 0) of the titles that others changed.
--
-- What the log has taken in already is older than the change, and what it takes in once the answer is
-- there is not: so the time is one millisecond from now.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = math.max(now + 1, tonumber(ARGV[2]))
local stamp = string.format('%.0f', since)
local field = '"since_ms":'

local version, changed = nil, {}
for at = 3, #ARGV, 5 do
  local id = ARGV[at]
  if (redis.call('ZSCORE', KEYS[2], id) or '') ~= ARGV[at + 1] then
    changed[#changed + 1] = (at - 3) / 5
  else
    version = version or redis.call('INCR', KEYS[3])
    local kept = string.gsub(ARGV[at + 2], field .. ARGV[1], field .. stamp)
    redis.call('HSET', KEYS[1], id, kept)
    redis.call('ZADD', KEYS[2], version, id)
    redis.call('HDEL', KEYS[4], id)
    if ARGV[at + 3] ~= '' then
      local logged = string.gsub(ARGV[at + 3], field .. ARGV[1], field .. stamp)
      redis.call('XADD', KEYS[5 + ARGV[at + 4]], '*', 'k', id, 'v', logged, 't', now)
    end
  end
end
return {stamp, string.format('%.0f', now), changed}
