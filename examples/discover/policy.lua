-- The registry answers with a list that could stand in the config:
--   ["http://10.0.0.1", { "url": "http://10.0.0.2", "weight": 2 }]
local neap = require "neap"
local policy = {}

function policy.discover()
  local answer, why = neap.http.get("http://127.0.0.1:8090/backends", { timeout = 2 })
  if not answer then return nil, why end
  if answer.status ~= 200 then return nil, "status " .. answer.status end
  return neap.json.decode(answer.body)
end

return policy
