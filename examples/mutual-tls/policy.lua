-- The names in a client's certificate say what it may do: those that end in .ops.example may do
-- everything, others may only read.
local neap = require "neap"

local READS = { GET = true, HEAD = true }

local policy = {}

local function is_ops(names)
  for _, name in ipairs(names) do
    if name:find "%.ops%.example$" then return true end
  end
  return false
end

function policy.request(request)
  local client = request.tls and request.tls.client
  if not client or not client.verified then return neap.reply { status = 403 } end
  local names = client.names
  if not READS[request.method] and not is_ops(names) then
    return neap.reply { status = 403, body = "only .ops.example may change anything\n" }
  end
  request:set_header("X-Client", names[1])
end

return policy
