-- Which backend answered: requests through a balancer before origins that answer with their names.
--
--   spread.start(origins, policy, { workers = 2, more = "", files = {…}, backends = text }) → n
--       policy: Lua text; backends: the list in place of the origins' URLs
--   spread.one_by_one(n, count, path, headers) → counts by name, list of names
--       path, headers: values, or functions of the number; over four connections by turns
--   spread.at_once(n, count, path) → counts, list     each on its own connection, all sent before
--       the first answer is read
--   Both raise on a status other than 200.

local client = require "support.client"
local neap = require "support.neap"
local proxied = require "support.proxied"

local spread = {}

local function value_of(value, i)
  if type(value) == "function" then return value(i) end
  return value
end

local function add(counts, list, response)
  assert(response and response.status == 200, response and response.raw or "no answer")
  counts[response.body] = (counts[response.body] or 0) + 1
  table.insert(list, response.body)
end

function spread.start(origins, policy, options)
  options = options or {}
  local config = proxied.config(origins, ("workers = %d, policy = %s, %s")
    :format(options.workers or 2, policy, options.more or ""))
  if (options.more or ""):find "health" then
    config = config:gsub('health = { type = "none" },\n', "", 1)
  end
  if options.backends then
    config = config:gsub("backends = %b{}", (("backends = { %s }"):format(options.backends)
      :gsub("%%", "%%%%")), 1)
  end
  return neap.start { config = config, files = options.files }
end

function spread.one_by_one(n, count, path, headers)
  local counts, list, connections = {}, {}, {}
  for i = 1, 4 do connections[i] = client.connect(n.address) end
  for i = 1, count do
    add(counts, list, connections[i % 4 + 1]:request("GET", value_of(path, i) or "/",
      value_of(headers, i)))
  end
  for i = 1, 4 do connections[i]:close() end
  return counts, list
end

function spread.at_once(n, count, path)
  local counts, list, connections = {}, {}, {}
  for i = 1, count do
    connections[i] = client.connect(n.address)
    connections[i]:send(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(value_of(path, i) or "/"))
  end
  for i = 1, count do
    add(counts, list, connections[i]:read_response())
    connections[i]:close()
  end
  return counts, list
end

return spread
