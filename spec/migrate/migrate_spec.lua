local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local NGINX = [[
daemon off; master_process off; pid nginx.pid; error_log stderr error;
events { }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
%s
}
]]

local HAPROXY = [[
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
%s
]]

-- The examples of the page: a list for each kind, in their order.
local function examples()
  local found = {}
  for kind, text in scope.read("docs/migrate.md"):gmatch "\n```(%l+)\n(.-)```" do
    found[kind] = found[kind] or {}
    local is_part = kind == "lua" and not text:find "listen"
    if not is_part then table.insert(found[kind], text) end
  end
  return found
end

-- With our ports for those of the page.
local function placed(text, port, origins)
  text = text:gsub("10%.0%.0%.(%d):8080", function(number)
    return "127.0.0.1:" .. origins[tonumber(number)].port
  end)
  text = text:gsub("listen 80;", ("listen 127.0.0.1:%d;"):format(port))
  text = text:gsub("bind :80", ("bind 127.0.0.1:%d"):format(port))
  return (text:gsub('listen = ":80"', ('listen = "127.0.0.1:%d"'):format(port)))
end

local function free_address() return net.refused() end

local function spawn(argv, dir, address)
  process.spawn { argv = argv, cwd = dir, dir = dir }
  eventually(function()
    local fd = net.connect(address)
    if fd then net.close(fd) end
    return fd
  end)
end

local START = {}

function START.nginx(text, address, dir)
  scope.write(dir .. "/nginx.conf", NGINX:format(text))
  spawn({ "nginx", "-p", dir, "-e", "stderr", "-c", dir .. "/nginx.conf" }, dir, address)
end

function START.haproxy(text, address, dir)
  scope.write(dir .. "/haproxy.cfg", HAPROXY:format(text))
  spawn({ "haproxy", "-db", "-q", "-f", dir .. "/haproxy.cfg" }, dir, address)
end

function START.lua(text) neap.start { config = text } end

local function start(kind, number, origins)
  local address = free_address()
  local text = placed(examples()[kind][number], address:match "%d+$", origins)
  START[kind](text, address, scope.directory())
  return address
end

-- How many of n requests each backend answered.
local function counts(address, n)
  local answers = { 0, 0, 0, other = 0 }
  for _ = 1, n do
    local body = client.get(address, "/").body
    local number = tonumber(body:match "^web(%d)$") or "other"
    answers[number] = answers[number] + 1
  end
  return answers
end

describe("what the page about migrating shows", function()
  for _, kind in ipairs { "nginx", "haproxy", "lua" } do
    it("balances by weights, with a spare, in " .. kind, function()
      local origins = origin.several(3)
      local address = start(kind, 1, origins)
      assert.same({ 30, 10, 0, other = 0 }, counts(address, 40))
      origins[1]:kill()
      origins[2]:kill()
      eventually(function()
        local now = counts(address, 6)
        return now[3] == 6
      end)
    end)

    it("finds another backend for each request of a dead one, in " .. kind, function()
      local origins = origin.several(3)
      local address = start(kind, 2, origins)
      origins[2]:kill()
      local now = counts(address, 30)
      assert.equal(0, now[2] + now.other)
      assert.is_true(now[1] >= 10 and now[3] >= 10)
    end)

    it("keeps a client with its backend, in " .. kind, function()
      local address = start(kind, 3, origin.several(3))
      local now = counts(address, 20)
      assert.equal(20, math.max(now[1], now[2], now[3]))
    end)
  end

  it("finds another backend for each request of one that hangs", function()
    local origins = origin.several(3)
    local address = start("lua", 4, origins)
    origins[2]:pause()
    local now = counts(address, 6)
    assert.equal(0, now[2] + now.other)
    assert.is_true(now[1] >= 1 and now[3] >= 1)
  end)
end)
