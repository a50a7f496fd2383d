-- What clients were answered, by model: Triton counts no rejection of a full queue, and a client
-- does not see which replica was slow. haproxy.cfg calls `count` once for each answer.
-- Written by `tritongen build` from the spec.

local MODELS = {
{% for model in models %}
  "{{ model }}",
{% endfor %}
}
local BOUNDS = { {{ bounds | join(", ") }} }  -- seconds
local LABELS = { "{{ bounds | join('", "') }}" }
local REASONS = { "queue_full", "queue_timeout", "rate_limit", "no_replica" }
local STATUSES = { [0] = "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED",
  "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
  "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
  "UNAUTHENTICATED" }
local GOOD = { http = "200", grpc = "OK" }
-- Counted from 0: a counter that begins with its first failure does not grow by it.
local USUAL = { http = { "200", "500", "503" }, grpc = { "OK", "INTERNAL", "UNAVAILABLE" } }

local counts = {}  -- [model][protocol]: requests by code, rejections by reason, answers by bound

local function none(model, protocol)
  local one = { requests = {}, rejections = {}, buckets = {}, answers = 0, us = 0 }
  for _, code in ipairs(USUAL[protocol]) do one.requests[code] = 0 end
  for _, reason in ipairs(REASONS) do one.rejections[reason] = 0 end
  for number in ipairs(BOUNDS) do one.buckets[number] = 0 end
  return one
end

for _, model in ipairs(MODELS) do
  counts[model] = { http = none(model, "http"), grpc = none(model, "grpc") }
end

local function time(one, us)
  one.answers = one.answers + 1
  one.us = one.us + us
  for number, bound in ipairs(BOUNDS) do
    if us <= bound * 1e6 then
      one.buckets[number] = one.buckets[number] + 1
      return
    end
  end
end

core.register_fetches("count", function(txn)
  local protocol = txn:get_var("txn.protocol")
  local one = (counts[txn:get_var("txn.model")] or {})[protocol]
  if not one then return end  -- a name that a client made up is no label
  local code = tostring(txn:get_var("txn.code"))
  if protocol == "grpc" then code = STATUSES[tonumber(code)] or "UNKNOWN" end
  one.requests[code] = (one.requests[code] or 0) + 1
  local reason = txn:get_var("txn.reason")
  if reason then one.rejections[reason] = one.rejections[reason] + 1 end
  local us = txn:get_var("txn.us")
  if us and code == GOOD[protocol] then time(one, us) end
end)

local function head(lines, name, type, help)
  lines[#lines + 1] = "# HELP " .. name .. " " .. help
  lines[#lines + 1] = "# TYPE " .. name .. " " .. type
end

local function every(visit)
  for _, model in ipairs(MODELS) do
    for _, protocol in ipairs({ "grpc", "http" }) do
      visit('model="' .. model .. '",protocol="' .. protocol .. '"', counts[model][protocol])
    end
  end
end

local function page()
  local lines = {}
  local requests = "tritongen_gateway_requests_total"
  head(lines, requests, "counter", "Inference requests that were answered, streams left out.")
  every(function(labels, one)
    for code, number in pairs(one.requests) do
      lines[#lines + 1] = requests .. "{" .. labels .. ',code="' .. code .. '"} ' .. number
    end
  end)
  local rejections = "tritongen_gateway_rejections_total"
  head(lines, rejections, "counter", "Inference requests that were turned away.")
  every(function(labels, one)
    for reason, number in pairs(one.rejections) do
      lines[#lines + 1] = rejections .. "{" .. labels .. ',reason="' .. reason .. '"} ' .. number
    end
  end)
  local duration = "tritongen_gateway_request_duration_seconds"
  head(lines, duration, "histogram", "From the whole request to the start of a good answer.")
  every(function(labels, one)
    local sum = 0
    for number in ipairs(BOUNDS) do
      sum = sum + one.buckets[number]
      local le = ',le="' .. LABELS[number] .. '"} '
      lines[#lines + 1] = duration .. "_bucket{" .. labels .. le .. sum
    end
    lines[#lines + 1] = duration .. "_bucket{" .. labels .. ',le="+Inf"} ' .. one.answers
    lines[#lines + 1] = duration .. "_sum{" .. labels .. "} " .. string.format("%.6f", one.us / 1e6)
    lines[#lines + 1] = duration .. "_count{" .. labels .. "} " .. one.answers
  end)
  return table.concat(lines, "\n") .. "\n"
end

core.register_service("model_metrics", "http", function(applet)
  local body = page()
  applet:set_status(200)
  applet:add_header("content-type", "text/plain; version=0.0.4; charset=utf-8")
  applet:add_header("content-length", #body)
  applet:start_response()
  applet:send(body)
end)

core.register_service("too_large", "http", function(applet)
  for _ = 1, {{ discarded_parts }} do
    if #applet:receive(65536) == 0 then break end
  end
  applet:set_status(200)
  applet:add_header("content-type", "application/grpc")
  applet:add_header("content-length", 0)
  applet:add_header("grpc-status", 8)
  applet:add_header("grpc-message", "the request is larger than {{ max_request_size }} bytes")
  applet:start_response()
end)
