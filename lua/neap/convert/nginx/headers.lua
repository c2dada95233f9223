-- add_header, expires and proxy_hide_header of a block: a function that the answer's head goes
-- through.

local code = require "neap.convert.code"
local levels = require "neap.convert.nginx.levels"
local lines = require "neap.convert.lines"
local units = require "neap.convert.units"
local variables = require "neap.convert.nginx.variables"

local headers = {}

local function add_header(job, out, node, scope)
  local name, text, when = node.args[1], node.args[2], node.args[3]
  if not text or text == "" then return end
  local value, why = variables.compile(text, scope)
  if not value then
    return out:remark(job.notes:lacks(node, ("add_header %s: %s"):format(name, why)))
  end
  out:add("%sa:add_header(%s, %s)%s", when == "always" and "" or "if USUAL[status] then ",
    code.text(name), value, when == "always" and "" or " end")
end

local SPECIAL = { epoch = "no-cache", ["-1"] = "no-cache", max = "max-age=315360000" }

local function expires(job, out, node)
  local text = node.args[1] or "off"
  if text == "off" then return end
  local seconds = units.seconds((text:gsub("^%+", "")), 1)
  local value = SPECIAL[text] or (seconds and ("max-age=%d"):format(seconds))
  if not value or text == "modified" then
    return out:remark(job.notes:lacks(node, "expires " .. text .. ": not understood"))
  end
  out:add('if USUAL[status] then a:add_header("Cache-Control", %s) end', code.text(value))
end

-- Where its nodes come from: blocks that inherit all of them share the function.
local function origin(list)
  local highest = 0
  for _, name in ipairs { "add_header", "expires", "proxy_hide_header" } do
    local _, level = levels.last(list, name)
    highest = math.max(highest, level or 0)
  end
  return highest
end

local function write(job, list, scope)
  local out = lines(1)
  for _, node in ipairs((levels.all(list, "add_header"))) do add_header(job, out, node, scope) end
  local node = levels.last(list, "expires")
  if node then expires(job, out, node) end
  for _, hidden in ipairs((levels.all(list, "proxy_hide_header"))) do
    out:add("a:set_header(%s, nil)", code.text(hidden.args[1] or ""))
  end
  return out:text()
end

-- Its name, or nil: there is nothing to add.
---@return string?
function headers.of(job, list, scope)
  local level = origin(list)
  if level == 0 then return nil end
  local block = list[level]
  local known = job.headers[block]
  if known then return known end
  local body = write(job, list, setmetatable({ m = false, groups = {} }, { __index = scope }))
  if body == "" then return nil end
  local name = ("HEADERS[%d]"):format(job:next "headers")
  job.headers[block] = name
  local r = body:find "%f[%w_]r%f[^%w_]" and "r" or "_r"
  job.constants_out:add("%s = function(%s, a, %s)", name, r,
    body:find("USUAL", 1, true) and "status" or "_status")
  job.constants_out:add("%s", body)
  job.constants_out:add("end")
  return name
end

return headers
