-- nginx as a backend: one process in the foreground, on a port of its own.
--
--   nginx.start{ root = folder } → s    serves the files of the folder
--   nginx.start{ content = directives } → s    of its server { }
--   nginx.start{ listen = "proxy_protocol" } → s    what follows the address
--   nginx.start{ name = "web1" } → s   answers everything with its name, in one piece: it cannot be
--                                       killed between head and body
--   s.url, s.address
--   s:kill() (SIGKILL), s:start_again()        the port stays reserved in between

local eventually = require "support.eventually"
local net = require "support.net"
local process = require "support.process"
local scope = require "support.scope"

local nginx = {}
local Nginx = {}
Nginx.__index = Nginx

local CONFIG = [[
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server { listen %s %s; %s }
}
]]

local function run(self)
  self.process = process.spawn {
    argv = { "nginx", "-p", self.dir, "-e", "stderr", "-c", self.dir .. "/nginx.conf" },
    dir = self.dir,
  }
  eventually(function()
    local fd = net.connect(self.address)
    if fd then net.close(fd) end
    return fd
  end, 5, "nginx")
end

function nginx.start(options)
  local self = setmetatable({ dir = scope.directory(), address = net.refused() }, Nginx)
  local content = options.root and ("root %s;"):format(options.root)
    or options.content or ('location / { return 200 "%s"; }'):format(options.name)
  self.url = "http://" .. self.address
  scope.write(self.dir .. "/nginx.conf", CONFIG:format(self.address, options.listen or "", content))
  run(self)
  return self
end

function Nginx:kill()
  self.process:kill "KILL"
  self.process:wait()
end

function Nginx:start_again() run(self) end

return nginx
