-- Runs code in a request hook of a real balancer, and gives what it returned.
--
--   hook_code.run(code, { url = … }) → body, n    code: of a function(request), with `neap` and the
--       values as locals; what it returns becomes the answer's body
--   hook_code.start(code, values, options) → n    options: config (more keys), top (code before)

local neap = require "support.neap"
local origin = require "support.origin"

local hook_code = {}

function hook_code.start(code, values, options)
  options = options or {}
  local lines = { 'local neap = require "neap"' }
  for name, value in pairs(values or {}) do
    table.insert(lines, ("local %s = %s"):format(name,
      type(value) == "string" and ("%q"):format(value) or tostring(value)))
  end
  table.insert(lines, options.top or "")
  table.insert(lines, ("return { request = function(request) local function run() %s end\n"
    .. "return neap.reply { body = tostring(run()) } end }"):format(code))
  return neap.start {
    config = neap.config({ origin.start { name = "web" } },
      'policy = "policy.lua", health = { type = "none" }' .. (options.config or "")),
    files = { ["policy.lua"] = table.concat(lines, "\n") },
    allow = options.allow,
  }
end

function hook_code.run(code, values, options)
  local n = hook_code.start(code, values, options)
  local answer = n:get "/"
  assert(answer.status == 200, "the hook failed")
  return answer.body, n
end

return hook_code
