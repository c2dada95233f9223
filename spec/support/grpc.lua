-- Real gRPC servers and clients: Debian's python3-grpcio, and @grpc/grpc-js for Node.js where it is
-- installed (build/npm, which ./dev test fills).
--
--   grpc.has_python(), grpc.has_node() → true, or nil and why the spec is pending
--   grpc.server(name, { language = "python" or "node", tls = { certificate =, key = } }) → s
--       s.port, s.url;  s:wait_said(pattern), s:said() → what happened there (peer.py says what)
--   grpc.ask(address, "scenario words", { language =, tls = { ca =, name = } }) → what it returned
--   grpc.begin(…) → process, with the same arguments, under way
--   grpc.answer(process) → what it returned

local cjson = require "cjson"
local eventually = require "support.eventually"
local process = require "support.process"
local unistd = require "posix.unistd"

local grpc = {}
local Server = {}
Server.__index = Server

local TOP = unistd.getcwd()
local NODE_PATH = os.getenv "NEAP_NODE_PATH" or TOP .. "/build/npm/node_modules"
local PEERS = {
  python = { "/usr/bin/python3", TOP .. "/spec/support/grpc/peer.py" },
  node = { "node", TOP .. "/spec/support/grpc/peer.js" },
}
local PATIENCE = 60

local python

function grpc.has_python()
  if python == nil then
    python = process.run { argv = { PEERS.python[1], "-c", "import grpc" }, limit = 60 } == 0
  end
  if python then return true end
  return nil, "python3-grpcio is not installed"
end

function grpc.has_node()
  if unistd.access(NODE_PATH .. "/@grpc/grpc-js/package.json") then return true end
  return nil, "@grpc/grpc-js is not installed in " .. NODE_PATH
end

local function spawn(options, arguments)
  local argv = {}
  for _, word in ipairs(PEERS[options.language or "python"]) do table.insert(argv, word) end
  for _, word in ipairs(arguments) do table.insert(argv, word) end
  return process.spawn { argv = argv, env = { NODE_PATH = NODE_PATH, GRPC_VERBOSITY = "NONE" } }
end

function grpc.server(name, options)
  options = options or {}
  local tls = options.tls or {}
  local p = spawn(options, { "server", name, tls.certificate, tls.key })
  local self = setmetatable({ process = p }, Server)
  local port = eventually(function()
    assert(p:alive(), p:stderr())
    return p:stdout():match "port (%d+)\n"
  end, PATIENCE, "the port of a gRPC server")
  self.port = tonumber(port)
  self.url = (options.tls and "https://localhost:" or "http://127.0.0.1:") .. port
  return self
end

function Server:said() return self.process:stdout() end

function Server:wait_said(pattern)
  eventually(function() return self:said():find(pattern) end, PATIENCE, pattern)
end

function grpc.begin(address, scenario, options)
  options = options or {}
  local tls = options.tls or {}
  return spawn(options, { "client", address, scenario, tls.ca, tls.name })
end

function grpc.answer(p)
  local code = p:wait(PATIENCE)
  assert(code == 0, p:stderr() .. p:stdout())
  return cjson.decode(p:stdout():match "([^\n]*)\n$")
end

function grpc.ask(address, scenario, options)
  return grpc.answer(grpc.begin(address, scenario, options))
end

return grpc
