-- Reads titles, up to a number of bytes at once. KEYS: 1 titles, 2 changed. ARGV: 1 their ids as a
-- MessagePack list, 2 the most bytes. Returns the server's time in milliseconds, and {version, title,
-- version, title, ...} of the first ids, as many as fit and one at least; '' stands for a title that is
-- not there.
local names = cmsgpack.unpack(ARGV[1])
local most, taken, found = tonumber(ARGV[2]), 0, {}
for at = 1, #names do
  local title = redis.call('HGET', KEYS[1], names[at]) or ''
  taken = taken + #title
  if at > 1 and taken > most then break end
  found[#found + 1] = redis.call('ZSCORE', KEYS[2], names[at]) or ''
  found[#found + 1] = title
end
local time = redis.call('TIME')
return {string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), found}
