-- rewrite, return, set, if and break: the rules that run before a location serves, as lines.

local code = require "neap.convert.code"
local variables = require "neap.convert.nginx.variables"

local rewrite = {}

local NESTED = 40 -- of rules that are skipped behind a break

local RULES = { ["return"] = true, rewrite = true, set = true, ["if"] = true, ["break"] = true }

---@return table[]  -- the rules of a block
function rewrite.rules(block)
  local found = {}
  for _, node in ipairs(block) do
    if RULES[node.name] then table.insert(found, node) end
  end
  return found
end

local function lacks(job, out, node, why)
  out:remark(job.notes:lacks(node, ("%s %s: %s"):format(node.name, table.concat(node.args, " "),
    why)))
end

local emit = {}

local REDIRECTS = { ["301"] = true, ["302"] = true, ["303"] = true, ["307"] = true, ["308"] = true }

local function content_type(job, scope)
  local kind = job:default_type(scope.levels)
  return ("{ [\"Content-Type\"] = %s }"):format(code.text(kind))
end

emit["return"] = function(job, out, node, scope)
  local status, text = node.args[1], node.args[2]
  if status and not status:find "^%d+$" then status, text = "302", status end
  local value, why = variables.compile(text or "", scope)
  if not value then
    lacks(job, out, node, why)
    value = '""'
  end
  local n = tonumber(status) or 0
  if REDIRECTS[status] and text then
    return out:add("return redirect(r, %s, %s)", status, value)
  end
  if n < 200 or n > 599 or n == 444 then
    out:remark(job.notes:other(node, ("return %s: neap answers 403"):format(tostring(status))))
    return out:add("return reply(r, 403)")
  end
  if not text then return out:add("return reply(r, %s)", status) end
  out:add("return reply(r, %s, %s, %s)", status, value, content_type(job, scope))
end

function emit.set(job, out, node, scope)
  local name = (node.args[1] or ""):match "^%$([%w_]+)$"
  if not name or not node.args[2] then return lacks(job, out, node, "of which variable?") end
  if job.constants[name] then return end
  local value, why = variables.compile(node.args[2], scope)
  if not value then return lacks(job, out, node, why) end
  out:add("r.ctx[%s] = %s", code.text("$" .. name), value)
end

emit["break"] = function() end

-- nginx adds the query of the request, unless the new path ends with a question mark.
local function redirect(out, status, value, ends)
  if ends then return out:add("return redirect(r, %s, %s)", status, value) end
  out:add("local to, args = %s, args_of(r)", value)
  out:add('if args ~= "" then to = to .. (to:find("?", 1, true) and "&" or "?") .. args end')
  out:add("return redirect(r, %s, to)", status)
end

local STATUS = { permanent = "301", redirect = "302" }

function emit.rewrite(job, out, node, scope)
  local pattern, to, flag = node.args[1], node.args[2], node.args[3]
  if not to then return lacks(job, out, node, "it needs a pattern and a path") end
  local ends = to:sub(-1) == "?"
  local inner = setmetatable({ m = true, groups = variables.groups(pattern, {}) },
    { __index = scope })
  local value, why = variables.compile(ends and to:sub(1, -2) or to, inner)
  if not value then return lacks(job, out, node, why) end
  local status = STATUS[flag] or (to:find "^https?://" or to:find "^%$scheme") and "302"
  local name = job:regex(pattern, "")
  out:open("if matches(%s, uri_of(r), m) then", name)
  if status then
    redirect(out, status, value, ends)
  else
    out:add("set_uri(r, %s, %s)", value, tostring(not ends))
    if flag == "last" or (flag == "break" and scope.is_server) then out:add("return AGAIN") end
    if not flag then scope.may_change = true end
  end
  out:close("end")
end

-- ( $a = b ): its words, without the parentheses.
local function words_of(node)
  local list = { unpack(node.args) }
  if #list == 0 or #list > 5 then return {} end
  list[1] = list[1]:gsub("^%(", "")
  list[#list] = list[#list]:gsub("%)$", "")
  local kept = {}
  for _, word in ipairs(list) do
    if word ~= "" or node.quoted then table.insert(kept, word) end
  end
  if kept[1] == "" then table.remove(kept, 1) end
  return kept
end

local MATCHES = { ["~"] = "", ["~*"] = "i", ["!~"] = "", ["!~*"] = "i" }

-- What is compared with a value.
local function comparison(job, scope, value, operator, right)
  if operator == "=" or operator == "!=" then
    local other, why = variables.compile(right, scope)
    if not other then return nil, why end
    return ("%s %s %s"):format(value, operator == "=" and "==" or "~=", other)
  end
  if not MATCHES[operator] then return nil, ("'%s' is not understood"):format(operator) end
  variables.groups(right, scope.groups)
  scope.m = true
  local test = ("matches(%s, %s, m)"):format(job:regex(right, MATCHES[operator]), value)
  return operator:sub(1, 1) == "!" and "not " .. test or test
end

-- The condition of an `if`; nil and why.
local function condition(job, node, scope)
  local left, operator, right = unpack(words_of(node))
  left = left or ""
  if left:find "^!?%-[fdex]$" then return nil, "neap looks at no files" end
  if left:sub(1, 1) ~= "$" then return nil, "not understood" end
  local value, why = variables.compile(left, scope)
  if not value then return nil, why end
  if not operator then return ('not (%s):find "^0?$"'):format(value) end
  return comparison(job, scope, value, operator, right or "")
end

emit["if"] = function(job, out, node, scope)
  local test, why = condition(job, node, scope)
  if not test then return lacks(job, out, node, why) end
  local others = {}
  for _, inner in ipairs(node.block or {}) do
    if not RULES[inner.name] then table.insert(others, inner) end
  end
  out:open("if %s then", test)
  for _, inner in ipairs(others) do lacks(job, out, inner, "within an if") end
  rewrite.emit(job, out, rewrite.rules(node.block or {}), scope)
  out:close("end")
end

-- In a location, `break` skips the rules behind it.
local function skips_rest(node, scope)
  return node.name == "rewrite" and node.args[3] == "break" and not scope.is_server
end

---@param rules table[]
---@return boolean  -- does it end with a return, whatever the request is?
function rewrite.emit(job, out, rules, scope)
  local opened, ends = 0, false
  for i, node in ipairs(rules) do
    if opened >= NESTED then
      lacks(job, out, node, "too many rules behind a break")
    else
      emit[node.name](job, out, node, scope)
    end
    ends = node.name == "return"
    if ends or node.name == "break" then break end
    local is_open = skips_rest(node, scope) and rules[i + 1] and opened < NESTED
    if is_open and out:reopen() then
      out:add("else")
      out.depth, opened = out.depth + 1, opened + 1
    end
  end
  for _ = 1, opened do out:close("end") end
  return ends and opened == 0
end

return rewrite
