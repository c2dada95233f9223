-- A location as a function of its site.

local access = require "neap.convert.nginx.access"
local code = require "neap.convert.code"
local directives = require "neap.convert.nginx.directives"
local headers = require "neap.convert.nginx.headers"
local levels = require "neap.convert.nginx.levels"
local lines = require "neap.convert.lines"
local proxy = require "neap.convert.nginx.proxy"
local rewrite = require "neap.convert.nginx.rewrite"
local units = require "neap.convert.units"
local variables = require "neap.convert.nginx.variables"

local location = {}

local KINDS = { ["="] = true, ["~"] = true, ["~*"] = true, ["^~"] = true }

-- kind: "", "=", "~", "~*", "^~" or "@"; path: what follows.
local function place_of(node)
  local first, second = node.args[1] or "", node.args[2]
  if second and KINDS[first] then return { kind = first, path = second } end
  if first:sub(1, 1) == "@" then return { kind = "@", path = first } end
  local kind, path = first:match "^([=~^]%*?~?)(.+)$"
  if kind and KINDS[kind] then return { kind = kind, path = path } end
  return { kind = "", path = first }
end

local function missing_files(job, out, node, text)
  out:remark(job.notes:lacks(node, text .. ": neap serves no files"))
end

local function try_files(job, out, node)
  local last = node.args[#node.args] or ""
  missing_files(job, out, node, "try_files " .. table.concat(node.args, " "))
  if last:sub(1, 1) == "@" then
    return out:add("return enter_named(site, r, m, %s)", code.text(last))
  elseif last:find "^=%d%d%d$" then
    return out:add("return reply(r, %s)", last:sub(2))
  end
  out:add("return reply(r, 404)")
end

local GATEWAYS = { "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass" }

-- What serves: a proxy, or what neap has not.
local function content(job, out, list, block, scope, place)
  local target = levels.here(block, "proxy_pass")[1] or levels.here(block, "grpc_pass")[1]
  if target then return proxy.pass(job, out, list, target, scope, place) end
  for _, name in ipairs(GATEWAYS) do
    if levels.here(block, name)[1] then return out:add("return reply(r, 502)") end
  end
  local try = levels.last(list, "try_files")
  if try then return try_files(job, out, try) end
  local root = levels.last(list, "alias") or levels.last(list, "root")
  if root then missing_files(job, out, root, root.name .. " " .. tostring(root.args[1])) end
  out:add("return reply(r, 404)")
end

local function body_limit(out, block)
  local text = levels.word({ block }, "client_max_body_size")
  local bytes = text and units.bytes(text)
  if not bytes then return end
  out:add("r:limits { body_bytes = %s }", bytes == 0 and "false" or code.number(bytes))
end

-- The lines of the function.
local function body(job, block, list, scope, place)
  local out = lines(1)
  local function remark(text) out:remark(text) end
  directives.tell(block, "location", job.notes, remark)
  local name = headers.of(job, list, scope)
  if name then out:add("r.ctx.headers = %s", name) end
  if levels.here(block, "internal")[1] then
    out:add("if not r.ctx.rewritten then return reply(r, 404) end")
  end
  local rules = lines(1)
  local ends = rewrite.emit(job, rules, rewrite.rules(block), scope)
  if scope.may_change and not ends then out:add("local before = uri_of(r)") end
  out:raw(rules)
  if ends then return out:text() end
  if scope.may_change then out:add("if uri_of(r) ~= before then return AGAIN end") end
  access.emit(job, out, list, scope)
  body_limit(out, block)
  content(job, out, list, block, scope, place)
  return out:text()
end

local function has_proxy(block)
  return levels.here(block, "proxy_pass")[1] or levels.here(block, "grpc_pass")[1]
end

local function parameters(text)
  local m = text:find "%f[%w_]m%f[^%w_]" ~= nil
  return m and "r, m" or text:find "%f[%w_]r%f[^%w_]" and "r" or ""
end

-- What a location's own function sees.
local function scope_in(scope, place, list)
  local is_pattern = place.kind == "~" or place.kind == "~*"
  local own = setmetatable({ levels = list, m = scope.m or is_pattern, may_change = false,
    groups = is_pattern and variables.groups(place.path, {}) or {} }, { __index = scope })
  for name in pairs(scope.groups) do own.groups[name] = true end
  return own, is_pattern
end

local function adds_slash(block, place)
  return has_proxy(block) and (place.kind == "" or place.kind == "^~")
    and place.path:sub(-1) == "/" and #place.path > 1
end

---@param out table  lines of the site
---@param owner string  the name of the place that it stands in
function location.emit(job, out, node, outer, owner, scope)
  local place, block = place_of(node), node.block or {}
  local list = levels.with(outer, block)
  local own, is_pattern = scope_in(scope, place, list)
  local text = body(job, block, list, own, place)
  out:remark(("location %s (%s:%d)"):format(table.concat(node.args, " "), node.file, node.line))
  if place.kind == "@" then
    out:add("site.named[%s] = function(%s)", code.text(place.path), parameters(text))
    out:add("%s", text)
    return out:add("end")
  end
  local inner, has_slash = levels.here(block, "location"), adds_slash(block, place)
  local is_named = has_slash or #inner > 0
  if is_named then out:open("do") end
  out:add("%slocation(%s, %s, %s, function(%s)", is_named and "local place = " or "", owner,
    code.text(place.kind), is_pattern and code.pattern(place.path) or code.text(place.path),
    parameters(text))
  out:add("%s", text)
  out:add("end)")
  if has_slash then
    local name = headers.of(job, list, own)
    out:add("slash(place%s)", name and ", " .. name or "")
  end
  for _, one in ipairs(inner) do location.emit(job, out, one, list, "place", own) end
  if is_named then out:close("end") end
end

return location
