-- Reads many items of a lane. KEYS: 1 a hash, or the start of the items' names, which are of the same
-- slot. ARGV: 1 'HMGET' or 'MGET', 2 the fields or the ends of the names, as a MessagePack list.
-- Returns the values in order, false where there is none.
local MOST = 4000
local names = cmsgpack.unpack(ARGV[2])
if ARGV[1] == 'MGET' then
  for at = 1, #names do names[at] = KEYS[1] .. names[at] end
end
local found = {}
for first = 1, #names, MOST do
  local last = math.min(first + MOST - 1, #names)
  local part
  if ARGV[1] == 'MGET' then
    part = redis.call('MGET', unpack(names, first, last))
  else
    part = redis.call('HMGET', KEYS[1], unpack(names, first, last))
  end
  if first == 1 and last == #names then return part end
  for at = 1, #part do found[first + at - 1] = part[at] end
end
return found
