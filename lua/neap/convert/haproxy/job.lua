-- What a conversion of HAProxy's configuration has gathered so far.

local code = require "neap.convert.code"
local keywords = require "neap.convert.haproxy.keywords"
local lines = require "neap.convert.lines"
local source = require "neap.convert.source"
local tables = require "neap.convert.haproxy.tables"

local Job = {}
Job.__index = Job

-- A path as HAProxy has it: relative to ca-base, crt-base, or to the folder of the file.
function Job:path(path, base)
  if path:sub(1, 1) == "/" or path:sub(1, 1) == "@" then return path end
  local folder = base and self.bases[base] or self.folder
  return (folder:sub(1, 1) == "/" and folder or self.folder .. "/" .. folder) .. "/" .. path
end

local function once(self, kind, text, write)
  local key = kind .. " " .. text
  if not self.known[key] then
    self.counts[kind] = (self.counts[kind] or 0) + 1
    self.known[key] = ("%s[%d]"):format(kind, self.counts[kind])
    write(self.known[key])
  end
  return self.known[key]
end

-- Its expression, written once for each pattern.
function Job:regex(pattern, flags)
  return once(self, "RE", flags .. " " .. pattern, function(name)
    self.constants_out:add("%s = regex(%s%s)", name, code.pattern(pattern),
      flags ~= "" and ", " .. code.text(flags) or "")
  end)
end

function Job:constant(kind, text)
  return once(self, kind, text, function(name) self.constants_out:add("%s = %s", name, text) end)
end

function Job:tell(section, out)
  keywords.tell(section, self.notes, function(text) out:remark(text) end)
end

-- Begins the block that has the functions of a section.
function Job:begin(section)
  self.sites_out:add("")
  self.sites_out:remark(("%s %s (%s:%d)"):format(section.kind, tostring(section.name),
    section.file, section.line))
  self.sites_out:add("do")
end

-- Does the backend of `return "name"` have rules of its own?
function Job:has_rules(text)
  local pool = text:match '^%s*return "(.*)"$'
  return pool ~= nil and self.backs[pool] == true
end

function Job:add_policy(section, _text, out)
  local name = code.free_name(self.policy_names, section.name or "front")
  table.insert(self.policies, { name = name, front = section.name or "" })
  out:set("policy", { policy = name })
end

---@param notes table
---@param path string
return function(notes, path)
  local job = setmetatable({
    notes = notes, folder = source.full_folder_of(path), bases = {}, counts = {}, known = {},
    pool_of = {}, pool_names = {}, store_names = {}, service_names = {}, policy_names = {},
    policies = {}, backs = {}, back_order = {}, back_names = {}, userlists = {},
    constants_out = lines(0), sites_out = lines(0), stores = code.table(),
    top = code.table(), services = code.table(), pool_table = code.table(),
  }, Job)
  job.tables = tables.new(job)
  return job
end
