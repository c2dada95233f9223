local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

if os.getenv "NEAP_SANITIZED" then
  describe("hardening", function()
    it("is not in a build with sanitizers", function()
      local n = neap.start { config = neap.config { origin.start {} } }
      n:wait_log "hardening: this kernel or build has no filter for system calls"
    end)
  end)
  return
end

-- The path of a request says what its hook tries, and the answer what came of it.
local POLICY = [[
local ffi = require "ffi"
local neap = require "neap"
ffi.cdef [=[
  int kill(int pid, int number); int getppid(void); int getpid(void); long syscall(long, ...);
  int execve(const char *, char **, char **); long ptrace(int, int, void *, void *);
  int setuid(unsigned); int unshare(int); int socket(int, int, int);
  int prctl(int, long, long, long, long); int ioctl(int, unsigned long, ...);
]=]
local C = ffi.C
local escapes = {
  exec = function() return C.execve("/bin/true", nil, nil) end,
  command = function() return os.execute "true" end,
  pipe = function() return io.popen "true" end,
  trace = function() return C.ptrace(0, 0, nil, nil) end,
  setuid = function() return C.setuid(0) end,
  unshare = function() return C.unshare(0x10000000) end,
  x32 = function() return tonumber(C.syscall(0x40000000 + 39)) end,
  signal = function() return C.kill(C.getppid(), 0) end,
  everybody = function() return C.kill(-1, 0) end,
  packets = function() return C.socket(17, 3, 0) end,
  crypto = function() return C.socket(38, 5, 0) end,
  dumpable = function() return C.prctl(4, 1, 0, 0, 0) end,
  terminal = function() return C.ioctl(0, 0x5412, "x") end,
  unknown = function() return tonumber(C.syscall(1439)) end,
  itself = function() return C.kill(C.getpid(), 0) end,
}
return { request = function(request)
  local escape = escapes[request.path:sub(2)]
  if escape then
    local answer = escape()
    return neap.reply { body = ("%s errno %d"):format(tostring(answer), ffi.errno()) }
  end
end }
]]

local function started(more)
  return neap.start { files = { ["policy.lua"] = POLICY },
    config = neap.config({ origin.start {} },
      'policy = "policy.lua", unsafe = true' .. (more or "")) }
end

local function mode(pid)
  return scope.read(("/proc/%d/status"):format(pid)):match "Seccomp:%s*(%d)"
end

describe("hardening", function()
  it("holds for agent and workers, and not for the master", function()
    local n = neap.start { config = neap.config { origin.start {} } }
    for _, pid in ipairs(n:children()) do assert.equal("2", mode(pid)) end
    assert.equal("0", mode(n.pid))
  end)

  it("can be left out", function()
    local n = started ", hardening = false"
    for _, pid in ipairs(n:children()) do assert.equal("0", mode(pid)) end
    assert.matches("^0 ", n:get("/command").body)
  end)

  for _, escape in ipairs { "exec", "command", "pipe", "trace", "setuid", "unshare", "x32" } do
    it("ends a worker whose policy tries: " .. escape, function()
      local n = started()
      n:allow "made a system call"
      pcall(n.get, n, "/" .. escape)
      n:wait_log("error worker 0 %(pid %d+%) made a system call that `hardening` forbids: in hook "
        .. "request of service 1, which is left out for 30 s; starting another")
      eventually(function() return n:get("/").status == 200 end, 10, "another worker")
    end)
  end

  it("refuses what reaches other processes or another kind of network", function()
    local n = started()
    for escape, errno in pairs { signal = 1, everybody = 1, packets = 97, crypto = 97,
      dumpable = 1, terminal = 1, unknown = 38 } do
      assert.equal(escape .. " -1 errno " .. errno, escape .. " " .. n:get("/" .. escape).body)
    end
    assert.matches("^0 ", n:get("/itself").body)
  end)

  it("is told by the check of a policy that starts a program while it loads", function()
    local code, output = neap.check(neap.config({ 1 }, 'policy = "policy.lua", unsafe = true'),
      { files = { ["policy.lua"] = 'os.execute "true" return {}' } })
    assert.equal(1, code)
    assert.matches("the process that checks it made a system call that `hardening` forbids", output)
  end)
end)
