"""What Redis does for budgets in one step: take in what a replica knows, then grant what is left.

One hash holds it all, so that whatever Redis loses of it, it loses together:

    epoch                         <run>:<nonce>|<since ms>       this server process, this hash
    s|<session>                   <epoch>|<seen ms>|<since ms>|<day>|open or ended
    d|<session>|<day>|<subject>   drawn, in nano-dollars; only ever grows
    g|<session>|<day>|<subject>   given back; only ever grows
    o|<session>|<day>|<provider>  attempts billed beyond the possible; only ever grows

Another run of the server, and a hash that is gone, begin another epoch. Nothing is granted in it
before every session that may have drawn in the one before has spoken again, or is known to have
ended: what Redis lost is known to those who drew it. What is said to an epoch that is over counts
for nothing, since it leaves out what Redis had then. https://redis.io/docs/latest/commands/info/

A session speaks every second. One that was silent for STALE_MS has ended for good, so what others
saw of it then is all there is; its replica goes on as another session, which draws only once all
others have had the time to see it.
"""

from typing import Final

STALE_MS: Final = 5_000
"""Far more than a question may take, and a session asks every second."""

SPEAK: Final = """
local asked, hash = cjson.decode(ARGV[1]), KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local _, copies = string.gsub(redis.call('INFO', 'replication'), 'state=online', '')
local function text(number) return string.format('%.0f', number) end

local epoch, since = string.match(redis.call('HGET', hash, 'epoch') or '', '^(.*)|(%d+)$')
since = tonumber(since)
if not epoch or string.match(epoch, '^(%w+):') ~= run then
  epoch, since = run .. ':' .. asked.fresh, now
  redis.call('HSET', hash, 'epoch', epoch .. '|' .. text(now))
elseif since > now then
  since = now
  redis.call('HSET', hash, 'epoch', epoch .. '|' .. text(now))
end
if asked.epoch ~= '' and asked.epoch ~= epoch then
  local told = cjson.encode(redis.call('HGETALL', hash))
  return {'moved', '0', text(copies), text(now), epoch, '', told}
end
local function session(value)
  local of, seen, from, day, state = string.match(value, '^(.*)|(%d+)|(%d+)|(.*)|(%a+)$')
  return of, tonumber(seen), tonumber(from), day, state
end
local function entry(from, day, state)
  return table.concat({epoch, text(now), text(from), day, state}, '|')
end

for field, value in pairs(asked.counters) do
  if value > tonumber(redis.call('HGET', hash, field) or '0') then
    redis.call('HSET', hash, field, text(value))
  end
end
for name, value in pairs(asked.sessions) do
  redis.call('HSETNX', hash, 's|' .. name, value)
end
for name, day in pairs(asked.ended) do
  local of, _, _, _, state = session(redis.call('HGET', hash, 's|' .. name) or '')
  if of ~= epoch or state ~= 'open' then
    redis.call('HSET', hash, 's|' .. name, entry(now, day, 'ended'))
  end
end

local me, joined, status = 's|' .. asked.session, now, 'heard'
local mine = redis.call('HGET', hash, me)
if mine then
  local of, seen, from, day, state = session(mine)
  if state ~= 'open' or (of == epoch and now - seen > asked.stale) then
    status = 'over'
  elseif of == epoch and day >= asked.day and from <= now then
    joined = from
  end
end
if asked.leave then
  redis.call('HSET', hash, me, entry(joined, asked.day, 'ended'))
elseif status ~= 'over' then
  redis.call('HSET', hash, me, entry(joined, asked.day, 'open'))
end

local all, drawn, absent = redis.call('HGETALL', hash), 0, nil
for i = 1, #all, 2 do
  local field, value = all[i], all[i + 1]
  local kind, name, day, subject = string.match(field, '^(%a)|([^|]*)|([^|]*)|(.*)$')
  if kind then
    if day < asked.oldest then
      redis.call('HDEL', hash, field)
    elseif day == asked.book_day and subject == asked.book and kind ~= 'o' then
      drawn = drawn + (kind == 'd' and tonumber(value) or -tonumber(value))
    end
  elseif string.sub(field, 1, 2) == 's|' then
    local of, _, _, last, state = session(value)
    if last < asked.oldest then
      redis.call('HDEL', hash, field)
    elseif state == 'open' and of ~= epoch and last >= asked.book_day then
      absent = string.sub(field, 3)
    end
  end
end

local granted = 0
if asked.wanted > 0 and status ~= 'over' then
  if asked.epoch == '' then status = 'moved'
  elseif now - since < asked.settle then status = 'settling'
  elseif now - joined < asked.join or asked.day < asked.book_day then status = 'joining'
  elseif absent then status = 'absent'
  else
    status, granted = 'granted', math.max(0, math.min(asked.wanted, asked.cap - drawn))
    if granted > 0 then
      local field = table.concat({'d', asked.session, asked.book_day, asked.book}, '|')
      local after = tonumber(redis.call('HGET', hash, field) or '0') + granted
      redis.call('HSET', hash, field, text(after))
      all[#all + 1], all[#all + 2] = field, text(after)
    end
  end
end
return {status, text(granted), text(copies), text(now), epoch, absent or '', cjson.encode(all)}
"""
"""KEYS[1]: the hash; ARGV[1]: what `Mirror.speech` says, as JSON. Returns what `read_reply` reads;
all fields as one JSON text, since a client takes milliseconds over a thousand short answers."""
