-- A server block of http as a site: names, rules of its own, locations.

local access = require "neap.convert.nginx.access"
local code = require "neap.convert.code"
local directives = require "neap.convert.nginx.directives"
local headers = require "neap.convert.nginx.headers"
local levels = require "neap.convert.nginx.levels"
local lines = require "neap.convert.lines"
local location = require "neap.convert.nginx.location"
local rewrite = require "neap.convert.nginx.rewrite"
local variables = require "neap.convert.nginx.variables"

local site = {}

---@return string[]  -- its names; "" and "_" are no host's
function site.names(node)
  local names = {}
  for _, one in ipairs(levels.here(node.block, "server_name")) do
    for _, name in ipairs(one.args) do
      if name ~= "" and name ~= "_" then
        table.insert(names, name:sub(1, 1) == "~" and name or name:lower())
      end
    end
  end
  return names
end

local function before(job, out, node, list, scope)
  local inner = lines(1)
  local name = headers.of(job, list, scope)
  if name then inner:add("r.ctx.headers = %s", name) end
  rewrite.emit(job, inner, rewrite.rules(node.block), scope)
  if #inner.list == 0 then return end
  local text = inner:text()
  out:add("function site.before(r%s)", text:find "%f[%w_]m%f[^%w_]" and ", m" or "")
  out:add("%s", text)
  out:add("end")
end

-- A server without a location for all paths serves files there, or nothing.
local function rest(job, out, list, node, scope)
  for _, one in ipairs(levels.here(node.block, "location")) do
    if one.args[1] == "/" and not one.args[2] then return end
  end
  for _, rule in ipairs(rewrite.rules(node.block)) do
    if rule.name == "return" then return end
  end
  local inner = lines(1)
  local try = levels.last(list, "try_files")
  local root = try or levels.last(list, "root")
  access.emit(job, inner, list, scope)
  if root then
    inner:remark(job.notes:lacks(root, ("%s %s: neap serves no files"):format(root.name,
      table.concat(root.args, " "))))
  end
  local named = try and try.args[#try.args]:match "^@.+"
  inner:add(named and "return enter_named(site, r, m, %s)" or "return reply(r, 404)",
    named and code.text(named))
  out:add("location(site, \"\", \"/\", function(%s)", named and "r, m" or "r")
  out:add("%s", inner:text())
  out:add("end)")
end

---@param http table[]  the directives of http
---@return string text
function site.emit(job, node, http, number)
  local names = site.names(node)
  local list = { http, node.block }
  local scope = { job = job, levels = list, groups = {}, m = false, is_server = true,
    server_name = names[1] }
  for _, name in ipairs(names) do
    if name:sub(1, 1) == "~" then
      variables.groups(name, scope.groups)
      scope.m = true
    end
  end
  local out = lines(0)
  out:remark(("server %s (%s:%d)"):format(names[1] or "without a name", node.file, node.line))
  out:open("do")
  directives.tell(node.block, "server", job.notes, function(text) out:remark(text) end)
  local t = code.table()
  for _, name in ipairs(names) do
    t:add(name:sub(1, 1) == "~" and code.pattern(name) or code.text(name))
  end
  out:add("local site = new_site %s", code.render(t, 1))
  before(job, out, node, list, scope)
  local inner = setmetatable({ is_server = false }, { __index = scope })
  for _, one in ipairs(levels.here(node.block, "location")) do
    location.emit(job, out, one, list, "site", inner)
  end
  rest(job, out, list, node, inner)
  out:add("SITES[%d] = site", number)
  out:close("end")
  return out:text()
end

return site
