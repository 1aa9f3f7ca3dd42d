-- Requests of `wrk` for the bench of ingest: one event of about 1 KB each, or a batch of BENCH_BATCH, every event with a message id of its own.
local batch = tonumber(os.getenv("BENCH_BATCH") or "1")
local padding = string.rep("x", 780)
local thread_number = 0

function setup(thread)
  thread_number = thread_number + 1
  thread:set("me", thread_number)
end

function init(_)
  math.randomseed(os.time() + me)
  run = string.format("%08x", math.random(0, 0x7fffffff))
  sent = 0
end

local function event()
  sent = sent + 1
  return string.format(
    '{"type":"track","event":"login","userId":"c-%d","messageId":"%s-%d-%d","context":{"groupId":"a-%d"},"properties":{"padding":"%s"}}',
    sent % 500, run, me, sent, sent % 100, padding)
end

function request()
  local body
  if batch == 1 then
    body = event()
  else
    local events = {}
    for at = 1, batch do events[at] = event() end
    body = '{"batch":[' .. table.concat(events, ",") .. "]}"
  end
  return wrk.format("POST", batch == 1 and "/v1/track" or "/v1/batch",
    { ["content-type"] = "application/json", ["authorization"] = os.getenv("BENCH_AUTHORIZATION") }, body)
end

function done(summary, latency, _)
  local e = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"seconds":%.3f,"p50_ms":%.2f,"p99_ms":%.2f,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
