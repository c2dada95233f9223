-- map, geo and split_clients: functions of the policy, written when something uses them.

local code = require "neap.convert.code"
local lines = require "neap.convert.lines"
local variables = require "neap.convert.nginx.variables"

local maps = {}

-- A value of a map, as an expression.
local function value_of(job, text, groups)
  if not variables.has(text) then return code.text(text) end
  local scope = { job = job, m = groups ~= nil, groups = groups or {} }
  local value, why = variables.compile(text, scope)
  if not value then return nil, why end
  return ("function(%s) return %s end"):format(groups and "r, m" or "r", value)
end

local function add_row(job, t, node, is_hostnames)
  local key = node.name
  local is_pattern = key:sub(1, 1) == "~"
  local pattern = is_pattern and key:match "^~%*?(.*)$"
  local value, why = value_of(job, node.args[1] or "", pattern and variables.groups(pattern, {}))
  if not value then return t.out:remark(job.notes:lacks(node, ("map: %s"):format(why))) end
  if key == "default" then
    t.default = value
  elseif is_pattern then
    local name = job:regex(pattern, key:sub(2, 2) == "*" and "i" or "")
    t.patterns:add(("{ %s, %s }"):format(name, value))
  elseif is_hostnames and key:sub(1, 2) == "*." then
    table.insert(t.heads, { key:sub(2):lower(), value })
  elseif is_hostnames and key:sub(1, 1) == "." then
    table.insert(t.heads, { key:lower(), value })
    t.exact:set(key:sub(2):lower(), value)
  elseif is_hostnames and key:sub(-2) == ".*" then
    table.insert(t.tails, { key:sub(1, -2):lower(), value })
  else
    t.exact:set((key:gsub("^\\", "")):lower(), value)
  end
end

local function starred(rows)
  table.sort(rows, function(a, b)
    return #a[1] > #b[1] or (#a[1] == #b[1] and a[1] < b[1])
  end)
  local t = code.table()
  for _, row in ipairs(rows) do t:add(("{ %s, %s }"):format(code.text(row[1]), row[2])) end
  return not t:is_empty() and t or nil
end

local QUIET = { hostnames = true, volatile = true }

local function write_map(job, node, name)
  local t = { out = lines(0), exact = code.table(), patterns = code.table(), heads = {},
    tails = {} }
  local is_hostnames = false
  for _, row in ipairs(node.block) do is_hostnames = is_hostnames or row.name == "hostnames" end
  for _, row in ipairs(node.block) do
    if not QUIET[row.name] then add_row(job, t, row, is_hostnames) end
  end
  local table_of = code.table():set("exact", t.exact)
  table_of:set("heads", starred(t.heads)):set("tails", starred(t.tails))
  if not t.patterns:is_empty() then table_of:set("patterns", t.patterns) end
  table_of:set("default", t.default)
  local from, why = variables.compile(node.args[1] or "", { job = job, groups = {} })
  if not from then
    t.out:remark(job.notes:lacks(node, "map: " .. why))
    from = '""'
  end
  t.out:add("MAPS[%s] = %s", code.text(name), code.render(table_of, 0))
  t.out:add("VARIABLES[%s] = function(r) return map_value(MAPS[%s], r, %s) end", code.text(name),
    code.text(name), from)
  return t.out
end

local function bits_of(network) return tonumber(network:match "/(%d+)$") or 128 end

local function write_geo(job, node, name)
  local out, rows, default = lines(0), {}, '""'
  local from = #node.args > 1 and node.args[1] or "$remote_addr"
  for _, row in ipairs(node.block) do
    if row.name == "default" then
      default = code.text(row.args[1] or "")
    elseif row.name:find "^[%x:./]+$" then
      table.insert(rows, { row.name, code.text(row.args[1] or "") })
    else
      out:remark(job.notes:lacks(row, ("geo: %s"):format(row.name)))
    end
  end
  table.sort(rows, function(a, b)
    local x, y = bits_of(a[1]), bits_of(b[1])
    return x > y or (x == y and a[1] < b[1])
  end)
  local t = code.table()
  for _, row in ipairs(rows) do
    t:add(("{ assert(neap.ip.set { %s }), %s }"):format(code.text(row[1]), row[2]))
  end
  out:add("MAPS[%s] = %s", code.text(name), code.render(t, 0))
  out:add("VARIABLES[%s] = function(r) return address_value(MAPS[%s], %s, %s) end",
    code.text(name), code.text(name), default,
    variables.compile(from, { job = job, groups = {} }) or "r.client_ip")
  return out
end

local function write_split(job, node, name)
  local out, upto = lines(0), 0
  local from = variables.compile(node.args[1] or "", { job = job, groups = {} }) or "r.id"
  out:add("VARIABLES[%s] = function(r)", code.text(name))
  out:add("  local part = neap.hash(%s) / 2^32", from)
  for _, row in ipairs(node.block) do
    local share = row.name:match "^([%d.]+)%%$"
    if tonumber(share) then
      upto = upto + tonumber(share) / 100
      out:add("  if part < %s then return %s end", ("%.6g"):format(upto),
        code.text(row.args[1] or ""))
    else
      out:add("  do return %s end", code.text(row.args[1] or ""))
      break
    end
  end
  out:add('  return ""')
  out:add("end")
  return out
end

local WRITERS = { map = write_map, geo = write_geo, split_clients = write_split }

-- Notes which variables there are.
function maps.collect(job, block)
  for _, node in ipairs(block) do
    local last = WRITERS[node.name] and node.block and node.args[#node.args]
    local name = last and last:match "^%$(.+)$"
    if name then
      local values = {}
      for _, row in ipairs(node.block) do
        if not QUIET[row.name] and row.args[1] then table.insert(values, row.args[1]) end
      end
      job.maps[name] = { node = node, values = values }
    end
  end
end

-- Writes one, once.
function maps.use(job, name)
  local map = job.maps[name]
  if map.is_written then return end
  map.is_written = true
  local node = map.node
  local out = WRITERS[node.name](job, node, name)
  job.maps_out:remark(("%s $%s (%s:%d)"):format(node.name, name, node.file, node.line))
  job.maps_out:add("%s", out:text())
end

return maps
