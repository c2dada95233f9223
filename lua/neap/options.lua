-- For policies with options: checks what a config gave them, and wraps other policies.
--
--   local options = require "neap.options"
--   return function(given)
--     local o = options.read("mine", given, {
--       { "share", "number", min = 0, max = 1, default = 0.1 },
--       { "fallback", "policy", default = "round_robin" },
--     })

local hooks = require "neap.policy"
local nearest = require "neap.config.nearest"
local show = require "neap.config.show"

local options = {}

local kinds = {}

local function expected_number(row, what)
  if row.min and row.max then
    return ("%s from %.14g to %.14g"):format(what, row.min, row.max)
  end
  return row.min and ("%s of at least %.14g"):format(what, row.min) or what
end

local function is_in_range(row, value)
  return type(value) == "number" and value == value and value >= (row.min or -math.huge)
    and value <= (row.max or math.huge)
end

function kinds.number(row, value)
  if is_in_range(row, value) then return value end
  return nil, expected_number(row, "a number")
end

function kinds.integer(row, value)
  if is_in_range(row, value) and value % 1 == 0 then return value end
  return nil, expected_number(row, "an integer")
end

function kinds.boolean(_, value)
  if type(value) == "boolean" then return value end
  return nil, "true or false"
end

function kinds.text(_, value)
  if type(value) == "string" and value ~= "" then return value end
  return nil, "a text that is not empty"
end

-- A name as headers and cookies have it (RFC 9110 §5.6.2).
function kinds.token(_, value)
  if type(value) == "string" and value:find "^[%w!#$%%&'*+%-.^_`|~]+$" then return value end
  return nil, "a name of letters, digits and -._"
end

-- The value of a cookie's attribute (RFC 6265 §4.1.1).
function kinds.attribute(_, value)
  if type(value) == "string" and value:find "^[^%c;\128-\255]+$" then return value end
  return nil, "a text without ; and controls"
end

function kinds.choice(row, value)
  for _, word in ipairs(row.of) do
    if value == word then return value end
  end
  local near = type(value) == "string" and nearest.find(value, row.of)
  return nil, table.concat(row.of, ", ") .. (near and ("; did you mean '%s'?"):format(near) or "")
end

-- What tags and fields of backends are compared with.
function kinds.value(_, value)
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" then return value end
  return nil, "a text, a number, true or false"
end

local FIELDS = {
  path = function(request) return request.path end,
  ip = function(request) return request.client_ip end,
  host = function(request) return request.host end,
}

local KEY = '"path", "ip", "host", "header:NAME", "cookie:NAME" or function(request)'

-- A key of another type would be another one with each request.
local function keyed(fn)
  return function(request)
    local key = fn(request)
    local kind = type(key)
    if kind == "table" or kind == "function" then
      error(("the function key returned a %s (expected a text, a number, true, false or nil)")
        :format(kind), 0)
    end
    return key
  end
end

-- An empty key is no key: all clients without one would share it.
local function not_empty(fn)
  return function(request)
    local key = fn(request)
    if key ~= "" then return key end
  end
end

-- To a function(request) that returns the key, or nil when the request has none.
function kinds.key(_, value)
  if type(value) == "function" then return not_empty(keyed(value)) end
  if type(value) ~= "string" then return nil, KEY end
  if FIELDS[value] then return not_empty(FIELDS[value]) end
  local from, name = value:match "^(%a+):([%w!#$%%&'*+%-.^_`|~]+)$"
  if from == "header" then
    return not_empty(function(request) return request:header(name) end)
  elseif from == "cookie" then
    return not_empty(function(request) return request:cookie(name) end)
  end
  local near = nearest.find(value, { "path", "ip", "host" })
  return nil, KEY .. (near and ("; did you mean '%s'?"):format(near) or "")
end

-- The claim of a token that a hook has verified before and put into request.ctx.jwt.
local function claim(name)
  return function(request)
    local token = request.ctx.jwt
    local value = type(token) == "table" and token[name]
    if type(value) == "string" or type(value) == "number" then return tostring(value) end
  end
end

-- Who a request comes from: to a function(request) that returns a text, the request itself (its
-- client's address), or nil when nobody is known.
function kinds.client(row, value)
  -- "ip" is how other policies name it; as a bare text each address of a /64 would be a client.
  if value == "address" or value == "ip" then return function(request) return request end end
  local name = type(value) == "string" and value:match "^jwt:([%w_.:/-]+)$"
  if name then return not_empty(claim(name)) end
  local key, expected = kinds.key(row, value)
  if not key then return nil, '"address", "jwt:CLAIM", ' .. expected end
  return function(request)
    local of = key(request)
    return of ~= nil and tostring(of) or nil
  end
end

-- To a table of hooks that has a `pick`.
function kinds.policy(_, value)
  local found, why = value, nil
  if type(value) == "string" then found, why = hooks.shipped(value) end
  if not why then found, why = hooks.check(found) end
  if why then return nil, "a policy: " .. why end
  local policy = {}
  for name, hook in pairs(found) do policy[name] = hook end
  policy.pick = policy.pick or require("neap.policy.round_robin").pick
  return policy
end

local function names_of(rows)
  local names = {}
  for i, row in ipairs(rows) do names[i] = row[1] end
  return names
end

local function unknown(what, key, rows)
  local names = names_of(rows)
  local near = type(key) == "string" and nearest.find(key, names)
  local hint = near and ("; did you mean '%s'?"):format(near)
    or #names == 0 and " (it has no options)"
    or (" (known: %s)"):format(table.concat(names, ", "))
  return ("policy %s: unknown option '%s'%s"):format(what, show.text(tostring(key)), hint)
end

local function first_unknown(given, rows)
  local known, wrong = {}, nil
  for _, name in ipairs(names_of(rows)) do known[name] = true end
  for key in pairs(given) do
    if not known[key] and (not wrong or tostring(key) < tostring(wrong)) then wrong = key end
  end
  return wrong
end

local function value_of(what, given, row)
  local value = given[row[1]]
  if value == nil then value = row.default end
  if value == nil or (value == false and row.default == false) then return value end
  local checked, expected = kinds[row[2]](row, value)
  if expected then
    return nil, ("policy %s: %s: %s is wrong (expected %s)")
      :format(what, row[1], show.value(value), expected)
  end
  return checked
end

-- Checks the options of a policy; an error of its caller's caller, the config, if one is wrong.
---@param what string  the policy's name
---@param given table?
---@param rows table[]  { name, kind, default =, min =, max = } each; false is fine where default is
---@return table  -- each option's value
function options.read(what, given, rows)
  given = given or {}
  if type(given) ~= "table" then
    error(("policy %s: the options are %s (expected a table)"):format(what, show.value(given)), 3)
  end
  local wrong = first_unknown(given, rows)
  if wrong ~= nil then error(unknown(what, wrong, rows), 3) end
  local values = {}
  for _, row in ipairs(rows) do
    local value, why = value_of(what, given, row)
    if why then error(why, 3) end
    values[row[1]] = value
  end
  return values
end

-- A policy around another one: its hooks, those of the inner one where it has none, and both one
-- after the other for hooks that only watch.
---@param policy table
---@param inner table
---@return table policy
function options.around(policy, inner)
  for _, name in ipairs { "response", "log" } do
    local outer_hook, inner_hook = policy[name], inner[name]
    if outer_hook and inner_hook then
      policy[name] = function(a, b, c)
        inner_hook(a, b, c)
        outer_hook(a, b, c)
      end
    end
  end
  for name, hook in pairs(inner) do
    if policy[name] == nil then policy[name] = hook end
  end
  return policy
end

return options
