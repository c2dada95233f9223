-- haproxy.cfg → config.lua and policy.lua.

local backend = require "neap.convert.haproxy.backend"
local code = require "neap.convert.code"
local frontend = require "neap.convert.haproxy.frontend"
local global = require "neap.convert.haproxy.global"
local job_of = require "neap.convert.haproxy.job"
local keywords = require "neap.convert.haproxy.keywords"
local lines = require "neap.convert.lines"
local prelude = require "neap.convert.prelude"
local sections = require "neap.convert.haproxy.sections"

local function says_tcp(section)
  local line = section:last "mode"
  return not line or line[2] == "tcp"
end

-- A frontend without a mode becomes one of HTTP by its backend.
local function is_tcp(section, by_name)
  if not says_tcp(section) then return false end
  local line = section.kind == "frontend" and section:last "default_backend"
  local back = line and by_name[line[2]]
  return not back or says_tcp(back)
end

local TABLES = { "FRONTS", "BACKS", "POOLS", "RE", "LISTS", "NETS", "TABLES", "USERS" }

local function hooks_of(job, one)
  return ("policy_of(FRONTS[%s], %s)"):format(code.text(one.front),
    #job.back_names > 0 and "BACKS" or "{}")
end

local function add_policies(job, rest)
  local counts = job.constants_out:text():find("new_table", 1, true)
  local is_one = #job.policies == 1
  if not is_one then rest:add("\nlocal policies = {}") end
  for _, one in ipairs(job.policies) do
    local name = is_one and "policy" or "policies." .. one.name
    rest:add("%s%s = %s", is_one and "\nlocal " or "", name, hooks_of(job, one))
    if counts then rest:add("%s.log = count_outcome", name) end
  end
  rest:add("\nreturn %s", is_one and "policy" or "policies")
end

local function pool_map(job)
  local t = code.table()
  for _, name in ipairs(job.back_order) do t:set(name, code.text(job.pool_of[name])) end
  return code.render(t, 0)
end

local function policy_text(job, title)
  if #job.policies == 0 then return nil end
  local rest = lines(0)
  if job.sites_out:text():find("POOLS[", 1, true) then rest:add("POOLS = %s", pool_map(job)) end
  rest:add("%s", job.constants_out:text())
  rest:add("%s", job.sites_out:text())
  add_policies(job, rest)
  local text = rest:text():gsub("^\n+", ""):gsub("\n\n\n+", "\n\n")
  local head = lines(0)
  head:add("%s", code.comment(title))
  head:add('\nlocal neap = require "neap"\n')
  head:add("%s", prelude.of("share/convert/haproxy.lua", text))
  local used = {}
  for _, name in ipairs(TABLES) do
    -- linear: names of ours
    if text:find("%f[%u]" .. name .. "%f[%W]") then table.insert(used, name) end
  end
  head:add("local %s = %s\n", table.concat(used, ", "), ("{}, "):rep(#used):sub(1, -3))
  return head:text() .. text .. "\n"
end

local function name_policy(job, service)
  for _, item in ipairs(service.items) do
    local name = type(item.value) == "table" and item.value.policy
    if name then
      item.value = #job.policies == 1 and '"policy.lua"' or ('require("policy").%s'):format(name)
    end
  end
end

local BACK, FRONT = { backend = true, listen = true }, { frontend = true, listen = true }

local function has_servers(section)
  return #section:rules { server = true, ["server-template"] = true } > 0
end

local OF_REQUESTS = { ["http-request"] = true, ["http-response"] = true,
  ["http-after-response"] = true, ["tcp-request"] = true }

-- Rules in there are those of each frontend that follows.
local function defaults(job, section)
  job:tell(section, job.top)
  for _, line in ipairs(section:rules(OF_REQUESTS)) do
    job.top:remark(job.notes:lacks(line, line[1] .. " in defaults: write it in the frontends"))
  end
end

local function read_first(job, list)
  for _, section in ipairs(list) do
    if section.kind == "global" then
      global.convert(job, section)
    elseif section.kind == "defaults" then
      defaults(job, section)
    elseif section.kind == "userlist" then
      global.userlist(job, section)
    elseif keywords.SECTIONS[section.kind] and keywords.SECTIONS[section.kind] ~= "" then
      job.top:remark(job.notes:lacks(section, ("%s: %s"):format(section.kind,
        keywords.SECTIONS[section.kind])))
    end
    if BACK[section.kind] and section.name and has_servers(section) then
      job.pool_of[section.name] = code.free_name(job.pool_names, section.name)
      table.insert(job.back_order, section.name)
    end
  end
end

local function emit_backends(job, list)
  for _, section in ipairs(list) do
    if BACK[section.kind] then
      if job.pool_of[section.name] then
        backend.emit(job, section, says_tcp(section))
        if section.kind == "backend" and not says_tcp(section) then
          backend.rules(job, section)
        end
      elseif section.kind == "backend" then
        job:tell(section, job.top)
        if not section:last "stick-table" then
          job.top:remark(job.notes:lacks(section, ("backend %s: it has no server")
            :format(tostring(section.name))))
        end
      end
    end
  end
end

local function access_log(job, list)
  for _, section in ipairs(list) do
    if FRONT[section.kind] and job.access_target and not job.top:get "access_log"
      and section:last "log" then
      job.top:set("access_log", code.table():set("target", code.text(job.access_target)))
    end
  end
end

-- One that shows statistics and does no more: the admin side is for that.
local function is_page(section)
  return section:last "stats" ~= nil and not has_servers(section)
    and not section:last "default_backend" and #section:rules { use_backend = true } == 0
end

local function emit_frontends(job, list)
  local by_name = {}
  for _, section in ipairs(list) do
    if BACK[section.kind] and section.name then by_name[section.name] = section end
  end
  for _, section in ipairs(list) do
    if FRONT[section.kind] and is_page(section) then
      job:tell(section, job.top)
    elseif FRONT[section.kind] then
      frontend.emit(job, section, is_tcp(section, by_name))
    end
  end
end

---@param bytes string
---@param path string
---@param _files table
---@param notes table
---@return table? out, string? why  -- config = text, policy = text or nil
return function(bytes, path, _files, notes, title)
  local list, why = sections.read(bytes, path)
  if not list then return nil, why end
  local job = job_of(notes, path)
  read_first(job, list)
  access_log(job, list)
  job.tables:collect(list)
  emit_backends(job, list)
  emit_frontends(job, list)
  if job.services:is_empty() and job.pool_table:is_empty() then
    return nil, ("%s: there is no frontend, backend or listen"):format(path)
  end
  for _, item in ipairs(job.services.items) do name_policy(job, item.value) end
  local policy = policy_text(job, title)
  if not job.stores:is_empty() then job.top:set("shared", job.stores) end
  job.top:set("services", job.services)
  if not job.pool_table:is_empty() then job.top:set("pools", job.pool_table) end
  return { config = ("%s\n\nreturn %s\n"):format(code.comment(title), code.render(job.top)),
    policy = policy }
end
