-- Takes a lease, or takes it on: free, run out, or held by the same owner, which its caller knows
-- to be dead. KEYS: lease, token. ARGV: owner, milliseconds. Returns {token, ""} or {0, owner}.
local held = redis.call('GET', KEYS[1])
if held then
  local owner = string.match(held, '^(.*):%d+$')
  if owner ~= ARGV[1] then
    return {0, owner or held}
  end
end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. token, 'PX', ARGV[2])
return {token, ''}
