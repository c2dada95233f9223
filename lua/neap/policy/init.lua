-- Finds policies and checks their form. A shipped one is a file beside this one; those with options
-- are functions(options) that return the hooks, and check them with neap.options.

local native = require "neap.native"
local nearest = require "neap.config.nearest"
local show = require "neap.config.show"

local policy = {}

policy.hooks = {
  "request", "backends", "pick", "failed", "response", "log", "check", "discover", "changed",
  "certificate", "connection", "start", "every", "error", "key",
}

local EVERY_LEAST, EVERY_MOST = 0.1, 2^31 -- seconds

local IS_HOOK = {}
for _, name in ipairs(policy.hooks) do IS_HOOK[name] = true end

local PREFIX = "neap.policy."

---@return string[]  -- the names of the shipped policies
function policy.names()
  local names = {}
  for _, module in ipairs(native.list(PREFIX)) do table.insert(names, module:sub(#PREFIX + 1)) end
  table.sort(names)
  return names
end

local function hint(word, known)
  local near = nearest.find(word, known)
  return near and ("; did you mean '%s'?"):format(near)
    or (" (known: %s)"):format(table.concat(known, ", "))
end

---@return table? policy, string? why
function policy.shipped(name)
  if native.embedded(PREFIX .. name) then return require(PREFIX .. name) end
  return nil, ("no policy '%s' is shipped%s; the path of a file has a / or ends in .lua")
    :format(name, hint(name, policy.names()))
end

local function unknown_hook(name)
  return ("unknown hook '%s'%s"):format(tostring(name), hint(tostring(name), policy.hooks))
end

-- `every` is { [seconds] = function, … }.
local function wrong_every(value)
  if type(value) ~= "table" then
    return ("'every' is a %s (expected a table: { [seconds] = function() … end })")
      :format(type(value))
  end
  for seconds, fn in next, value do
    local where = ("every[%s]"):format(show.value(seconds))
    if type(seconds) ~= "number" or not (seconds >= EVERY_LEAST and seconds <= EVERY_MOST) then
      return ("%s: its key is no number of seconds from %g to %d"):format(where, EVERY_LEAST,
        EVERY_MOST)
    end
    if type(fn) ~= "function" then
      return ("%s is a %s (expected a function)"):format(where, type(fn))
    end
  end
end

local function wrong_hook(name, value)
  if name == "every" then return wrong_every(value) end
  if type(value) ~= "function" and not (name == "check" and type(value) == "table") then
    return ("hook '%s' is a %s (expected a function)"):format(name, type(value))
  end
end

local function copied(from)
  local to = {}
  for key, value in next, from do to[key] = value end
  return to
end

-- Makes a table of hooks from what a config or a policy's file gave: a new one, which nobody else
-- can change later.
---@param value any
---@return table? policy, string? why
function policy.check(value)
  if type(value) == "function" then value = value {} end
  if type(value) ~= "table" then
    return nil, ("the policy is a %s (expected a table of hooks, or a function that returns one)")
      :format(type(value))
  end
  local hooks = {}
  for name in pairs(value) do
    if not IS_HOOK[name] then return nil, unknown_hook(name) end
  end
  for _, name in ipairs(policy.hooks) do
    hooks[name] = value[name]
    local why = hooks[name] ~= nil and wrong_hook(name, hooks[name])
    if why then return nil, why end
  end
  if hooks.every then hooks.every = copied(hooks.every) end
  return hooks
end

return policy
