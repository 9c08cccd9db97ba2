-- Writes those titles that nobody has changed since they were read, and logs them where the log is
-- on this server. KEYS: 1 titles, 2 changed, 3 version, 4 set aside; then the log's streams: those of
-- the catalogue, ARGV[1] in number, and those whose records a description is compared with in time.
-- ARGV: 1 the number of catalogue streams, 2 the number that stands for the time from which on the
-- changes are in force, 3 the least such time; then of each title: id, the version at which it was
-- read ('' for a new one), what to keep, what to log ('' for nothing), and the number of its stream.
-- Returns that time, the server's time, and the places (from 0) of the titles that others changed.
--
-- What the log holds already is older than the change, and what comes later is not: so the time is one
-- millisecond from now. A stream that is ahead of the clock, because the clock was ahead once, stays
-- at its newest time until the clock has come there: what is appended has that time, and so has the
-- change.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = math.max(now + 1, tonumber(ARGV[3]))
for at = 5, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 1 then
    local about = redis.call('XINFO', 'STREAM', KEYS[at])
    for field = 1, #about, 2 do
      if about[field] == 'last-generated-id' then
        since = math.max(since, tonumber(string.match(about[field + 1], '^%d+')))
      end
    end
  end
end
local stamp = string.format('%.0f', since)
local field = '"since_ms":'

local version, changed = nil, {}
for at = 4, #ARGV, 5 do
  local id = ARGV[at]
  if (redis.call('ZSCORE', KEYS[2], id) or '') ~= ARGV[at + 1] then
    changed[#changed + 1] = (at - 4) / 5
  else
    version = version or redis.call('INCR', KEYS[3])
    redis.call('HSET', KEYS[1], id, (string.gsub(ARGV[at + 2], field .. ARGV[2], field .. stamp)))
    redis.call('ZADD', KEYS[2], version, id)
    redis.call('HDEL', KEYS[4], id)
    if ARGV[at + 3] ~= '' then
      local logged = string.gsub(ARGV[at + 3], field .. ARGV[2], field .. stamp)
      redis.call('XADD', KEYS[5 + ARGV[at + 4]], '*', 'k', id, 'v', logged)
    end
  end
end
return {stamp, string.format('%.0f', now), changed}
