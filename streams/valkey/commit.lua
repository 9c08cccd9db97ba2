-- One atomic step of a lane. KEYS: 1 epoch, 2 offsets, 3 counts, 4 changed, 5 version, 6 outbox; all
-- other names in the step are of the same slot by their braces. ARGV: 1 the writer's epoch, 2 the
-- commit's number, 3 what changes, as one MessagePack map of lists, 4 all values end to end, of which
-- the lists hold the lengths, in this order:
--   set {name, length, ...}   drop {name, ...}   announce {title, ...}
--   hset {hash, {field, length, ...}, ...}                    hdel {hash, {field, ...}, ...}
--   append {stream, key, length, ...}   outbox {length, ...}
--   groups {stream, group, offset, ...}   offsets {topic, offset, ...}   counts {name, increment, ...}
-- Returns 1 when it is written, now or by an earlier call whose answer was lost; 0 when another owner
-- has acquired the lane; -1 when the number is not the next.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local last = tonumber(redis.call('HGET', KEYS[2], '#') or '0')
if last == tonumber(ARGV[2]) then return 1 end
if last + 1 ~= tonumber(ARGV[2]) then return -1 end

-- arguments go through the Lua stack, which holds 8000: an even number, so that pairs stay together
local MOST = 4000
local function each(list, run)
  for first = 1, #list, MOST do
    run(unpack(list, first, math.min(first + MOST - 1, #list)))
  end
end

local taken = 0
local function cut(list, first, stride)
  for at = first, #list, stride do
    local length = list[at]
    list[at] = string.sub(ARGV[4], taken + 1, taken + length)
    taken = taken + length
  end
  return list
end

local step = cmsgpack.unpack(ARGV[3])

-- a script that fails half way is not undone: what might fail is looked at before anything is written
local function must_be(kind, name)
  local found = redis.call('TYPE', name).ok
  if found ~= kind and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. name .. ' is a ' .. found .. ', not a ' .. kind)
  end
end
local wrong = must_be('hash', KEYS[3]) or must_be('zset', KEYS[4]) or must_be('list', KEYS[6])
for at = 1, #step.hset, 2 do wrong = wrong or must_be('hash', step.hset[at]) end
for at = 1, #step.hdel, 2 do wrong = wrong or must_be('hash', step.hdel[at]) end
for at = 1, #step.append, 3 do wrong = wrong or must_be('stream', step.append[at]) end
if wrong then return wrong end

redis.call('HSET', KEYS[2], '#', ARGV[2])
each(cut(step.set, 2, 2), function(...) redis.call('MSET', ...) end)
each(step.drop, function(...) redis.call('DEL', ...) end)
for at = 1, #step.hset, 2 do
  each(cut(step.hset[at + 1], 2, 2), function(...) redis.call('HSET', step.hset[at], ...) end)
end
for at = 1, #step.hdel, 2 do
  each(step.hdel[at + 1], function(...) redis.call('HDEL', step.hdel[at], ...) end)
end
if #step.announce > 0 then
  local version = redis.pcall('INCR', KEYS[5])
  if type(version) ~= 'number' then
    -- no number is held: readers whose version is above this one read everything
    version = 1
    redis.call('SET', KEYS[5], version)
  end
  for _, title in ipairs(step.announce) do redis.call('ZADD', KEYS[4], version, title) end
end
cut(step.append, 3, 3)
-- ids only grow, so that after a clock that was ahead they stay ahead: the time stands beside them
local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
for at = 1, #step.append, 3 do
  redis.call('XADD', step.append[at], '*', 'k', step.append[at + 1], 'v', step.append[at + 2], 't', now)
end
each(cut(step.outbox, 1, 1), function(...) redis.call('RPUSH', KEYS[6], ...) end)
each(step.offsets, function(...) redis.call('HSET', KEYS[2], ...) end)
-- the rest is for display, and may fail: a group that somebody removed, a count that is no number
for at = 1, #step.groups, 3 do
  redis.pcall('XGROUP', 'SETID', step.groups[at], step.groups[at + 1], step.groups[at + 2])
end
for at = 1, #step.counts, 2 do
  redis.pcall('HINCRBY', KEYS[3], step.counts[at], step.counts[at + 1])
end
return 1
