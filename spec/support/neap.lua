-- The balancer itself, as its users run it.
--
--   neap.start{ config = "return { … }", config_name = "config.lua", args = {…}, env = {…},
--               files = { ["policy.lua"] = "…" }, allow = { "pattern", … }, log_file = "neap.log",
--               expect_exit = code, binary = path } → n
--       Writes config and files into a fresh folder (which is the working directory), runs the
--       binary with `-c <folder>/config.lua` and args, and returns when it is ready.
--       config may also be { path = "/a/file" }; without config, only args are given.
--       log_file: name of the file in the folder that the config logs to, if not stderr; or its
--       whole path.
--       expect_exit: it must end by itself with this code instead of becoming ready.
--   n.ports[i], n.addresses[i], n.protocols[i]   from the ready line, in its order (port: false for
--       unix sockets); n.port and n.address are the first ones; n.admin: where the admin side is
--   n.pid, n.dir, n:log() → stderr and the log file so far
--   n:wait_log(pattern, limit = 15) → captures; n:count_log(pattern) → lines that match
--   n:workers(), n:agent() → pids; n:children() → both; n:fds() → { [pid] = open descriptors }
--   n:allow(pattern)    an error line that is expected
--   n:signal("HUP");  n:wait(limit) → code;  n:alive()
--   n:get(path, headers) → response (support.client) from the first address
--   n:stop{ signal = "TERM", code = 0, limit = 10 }   ends it and raises on another exit code, a
--       sanitizer's report, a line of level error that was not allowed, processes left behind. Also
--       done at the end of the spec for whatever still runs (after a spec that killed it, no code
--       is expected).
--
--   neap.config(origins, more = "") → config text: listen on port 0, one worker (or as many as
--       NEAP_SPEC_WORKERS says), these backends
--       (origins, URLs or ports), then `more`, e.g. 'health = { type = "none" }, workers = 2'
--   neap.check(config, { files =, config_name =, args = }) → code, output of `neap -t -c FILE`
--   neap.run(args, { files =, env =, cwd =, stdin =, limit = 10 }) → code, stdout, stderr
--   neap.binary → path ($NEAP_BIN or build/neap)
--   neap.open_binary() → path of a copy that any user may run: the checkout may be root's alone

local dirent = require "posix.dirent"
local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local client = require "support.client"
local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"

local WORKERS = os.getenv "NEAP_SPEC_WORKERS" or "1"

local neap = {}
local Neap = {}
Neap.__index = Neap

neap.binary = os.getenv "NEAP_BIN" or unistd.getcwd() .. "/build/neap"

function neap.open_binary()
  local path = scope.directory() .. "/neap"
  scope.write(path, scope.read(neap.binary))
  stat.chmod(path, tonumber("755", 8))
  return path
end

local function write_files(dir, files)
  for name, text in pairs(files or {}) do
    local folder = dir
    for part in name:gmatch "([^/]+)/" do
      folder = folder .. "/" .. part
      stat.mkdir(folder)
    end
    scope.write(dir .. "/" .. name, text)
  end
end

-- → path of the config, or nil if there is none
local function write_config(dir, config, name)
  if type(config) == "table" then return config.path end
  if not config then return nil end
  local path = dir .. "/" .. (name or "config.lua")
  scope.write(path, config)
  return path
end

local function environment(dir, own)
  local options = "exitcode=99:abort_on_error=0:log_path=" .. dir .. "/sanitizer"
  local env = {
    ASAN_OPTIONS = "detect_leaks=1:halt_on_error=1:" .. options,
    UBSAN_OPTIONS = "halt_on_error=1:print_stacktrace=1:" .. options,
  }
  for name, value in pairs(own or {}) do env[name] = value end
  return env
end

local function arguments(first, more, binary)
  local argv = { binary or neap.binary }
  for _, list in ipairs { first, more or {} } do
    for _, value in ipairs(list) do table.insert(argv, tostring(value)) end
  end
  return argv
end

local function parse_ready(self, list)
  self.addresses, self.ports, self.protocols = {}, {}, {}
  for protocol, address in list:gmatch "(%w+) ([^%s,;]+)" do
    table.insert(self.addresses, address)
    table.insert(self.protocols, protocol)
    table.insert(self.ports, tonumber(address:match ":(%d+)$") or false)
  end
  self.address, self.port = self.addresses[1], self.ports[1]
  self.admin = self:log():match " ready: [^\n]*; admin (%S+)"
end

-- Ready, or dead: then the log says why.
local function wait_until_ready(self)
  local list = eventually(function()
    local found = self:log():match " ready: ([^\n;]+)[^\n]*\n"
    return found or (not self:alive() and "dead")
  end, 60, "the ready line of neap") -- a start is not what specs time
  if list == "dead" then
    self.finished = true
    error(("neap ended with %d before it was ready:\n%s"):format(self:wait(), self:log()), 3)
  end
  parse_ready(self, list)
end

local function expect_end(self, code)
  self.finished = true
  local got = self:wait(10)
  if got ~= code then
    error(("neap ended with %d, not %d:\n%s"):format(got, code, self:log()), 3)
  end
end

function neap.start(options)
  local dir = scope.directory()
  write_files(dir, options.files)
  local path = write_config(dir, options.config, options.config_name)
  local self = setmetatable({ dir = dir, allowed = {}, log_file = options.log_file }, Neap)
  for _, pattern in ipairs(options.allow or {}) do self:allow(pattern) end
  self.process = process.spawn {
    argv = arguments(path and { "-c", path } or {}, options.args, options.binary),
    env = environment(dir, options.env),
    cwd = dir,
    dir = dir,
    name = "neap",
  }
  self.pid = self.process.pid
  scope.add(self)
  if options.expect_exit then
    expect_end(self, options.expect_exit)
  else
    wait_until_ready(self)
  end
  return self
end

function Neap:allow(pattern) table.insert(self.allowed, pattern) end

function Neap:log()
  local text = self.process:stderr()
  local file = self.log_file
  if file then text = text .. scope.read(file:find "^/" and file or self.dir .. "/" .. file) end
  return text
end

function Neap:wait_log(pattern, limit)
  return eventually(function() return self:log():match(pattern) end, limit, "log line " .. pattern)
end

function Neap:count_log(pattern)
  local count = 0
  for line in self:log():gmatch "[^\n]+" do
    if line:find(pattern) then count = count + 1 end
  end
  return count
end

function Neap:alive() return self.process:alive() end

function Neap:wait(limit) return self.process:wait(limit) end

function Neap:signal(name) process.signal(self.pid, name) end

function Neap:children() return process.children(self.pid) end

local function is_agent(pid)
  return process.name(pid):find "agent" or process.command_line(pid):find "agent"
end

function Neap:workers()
  local list = {}
  for _, pid in ipairs(self:children()) do
    if not is_agent(pid) then table.insert(list, pid) end
  end
  return list
end

function Neap:agent()
  for _, pid in ipairs(self:children()) do
    if is_agent(pid) then return pid end
  end
end

function Neap:fds()
  local counts = {}
  for _, pid in ipairs(self:children()) do
    counts[pid] = 0
    for name in dirent.files(("/proc/%d/fd"):format(pid)) do
      if tonumber(name) then counts[pid] = counts[pid] + 1 end
    end
  end
  return counts
end

function Neap:get(path, headers) return client.get(self.address, path, headers) end

local function sanitizer_reports(self)
  local reports = {}
  for name in dirent.files(self.dir) do
    if name:find "^sanitizer%." then
      -- Of a process that was killed while it looked for its leaks.
      local text = scope.read(self.dir .. "/" .. name)
        :gsub("==%d+==Unable to get registers from thread %d+%.%s*", "")
      if text ~= "" then table.insert(reports, text) end
    end
  end
  local log = self:log()
  if log:find "ERROR: %a+Sanitizer" or log:find "runtime error: " then
    table.insert(reports, log)
  end
  return table.concat(reports, "\n")
end

local function is_allowed(self, line)
  for _, pattern in ipairs(self.allowed) do
    if line:find(pattern) then return true end
  end
  return false
end

local function unexpected_errors(self)
  local lines = {}
  for line in self:log():gmatch "[^\n]+" do
    if line:find "^%d+%-%d+%-%d+T%S+ error%f[%A]" and not is_allowed(self, line) then
      table.insert(lines, line)
    end
  end
  return table.concat(lines, "\n")
end

local function check_reports(self)
  local reports = sanitizer_reports(self)
  if reports ~= "" then error("neap: a sanitizer reports:\n" .. reports, 0) end
  local lines = unexpected_errors(self)
  if lines ~= "" then error("neap: unexpected error lines:\n" .. lines, 0) end
end

local function wait_for_children(pids)
  eventually(function()
    for _, pid in ipairs(pids) do
      if process.exists(pid) then error(("%d (%s) lives"):format(pid, process.name(pid)), 0) end
    end
  end, 3, "end of all processes of neap")
end

function Neap:stop(options)
  options = options or {}
  local below = process.tree(self.pid)
  local running = self:alive()
  self.finished = true
  if running then self:signal(options.signal or "TERM") end
  local code, how = self:wait(options.limit or 10)
  wait_for_children(below)
  if (running or options.code) and code ~= (options.code or 0) then
    error(("neap: %s with %d:\n%s"):format(how, code, self:log()), 2)
  end
  check_reports(self)
end

-- After a spec that failed, only the end matters: its own complaint is the one to read.
function Neap:dispose(passed)
  local running = self:alive()
  if self.finished and not running then
    check_reports(self)
  elseif passed then
    self:stop()
  elseif running then
    self:signal "TERM"
    pcall(self.wait, self, 2)
  end
end

local function url_of(backend)
  if type(backend) == "table" then return backend.url end
  return type(backend) == "number" and "http://127.0.0.1:" .. backend or backend
end

function neap.config(backends, more)
  local urls = {}
  for _, backend in ipairs(backends) do table.insert(urls, ("%q"):format(url_of(backend))) end
  local text = 'return { listen = "127.0.0.1:0", workers = ' .. WORKERS ..
    ', backends = { %s },\n%s }\n'
  local own = (more or ""):gsub("admin%s*=%s*%b{}", "")
  if own:find "%f[%w]listen%s*=" then text = text:gsub('listen = [^,]+, ', "", 1) end
  if (more or ""):find "%f[%w]workers%s*=" then text = text:gsub("workers = %d+, ", "", 1) end
  return text:format(table.concat(urls, ", "), more or "")
end

function neap.run(args, options)
  options = options or {}
  local dir = scope.directory()
  write_files(dir, options.files)
  local p = process.spawn {
    argv = arguments(args),
    env = environment(dir, options.env),
    cwd = options.cwd or dir,
    dir = dir,
    name = "neap",
    stdin = options.stdin,
  }
  local code = p:wait(options.limit or 10)
  local reports = sanitizer_reports { dir = dir, log = function() return p:log() end }
  if reports ~= "" then error("neap: a sanitizer reports:\n" .. reports, 2) end
  return code, p:stdout(), p:stderr()
end

function neap.check(config, options)
  options = options or {}
  local dir = scope.directory()
  write_files(dir, options.files)
  local path = write_config(dir, config, options.config_name)
  local args = { "-t", "-c", path }
  for _, value in ipairs(options.args or {}) do table.insert(args, value) end
  local code, stdout, stderr = neap.run(args, { cwd = dir, env = options.env })
  return code, stdout .. stderr
end

return neap
