-- The openssl program as a TLS client.
--
--   s_client.run{ port =, name = SNI or false, args = { "-tls1_2", … }, path = "/",
--                 limit = 20 } → r
--       Shakes hands, asks for the path once and reads to the end. name = false: no SNI.
--   r.log       all that openssl said
--   r.ok        the handshake went well
--   r.subject, r.version, r.cipher, r.alpn, r.verify (number; 0: the chain is good)
--   r.is_resumed
--   r.alert     number of the fatal alert that came, or nil
--   r.status    of HTTP's answer, or nil; r.body
--   r.chain     the certificates that came, PEM, in order (with args "-showcerts")
--   s_client.shown(n, name or false, { args }) → common name of the certificate that is shown, r
--       Raises with what openssl said unless a balancer n answers 200.
--   s_client.REQUEST(path) → what it sends
--   s_client.talk(port, { args }) → process, send, lines   stays, and is told what to do:
--       send(text, awaited) waits until the pattern has come once more; "K\n": KeyUpdate both ways;
--       lines is the pipe, of which the end is the client's

local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"

local s_client = {}

function s_client.REQUEST(path)
  return ("GET %s HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"):format(path or "/")
end

local function arguments(options)
  local argv = { "openssl", "s_client", "-connect", "127.0.0.1:" .. options.port, "-ign_eof" }
  if options.name then
    table.insert(argv, "-servername")
    table.insert(argv, options.name)
  else
    table.insert(argv, "-noservername")
  end
  for _, value in ipairs(options.args or {}) do table.insert(argv, value) end
  return argv
end

function s_client.run(options)
  local _, out, err = process.run {
    argv = arguments(options),
    stdin = options.request or s_client.REQUEST(options.path),
    limit = options.limit or 20,
  }
  local log = out .. err
  local r = { log = log, chain = {} }
  r.version, r.cipher = out:match "%a+, (TLSv[%d.]+), Cipher is (%S+)"
  r.ok = r.version ~= nil and r.cipher ~= "(NONE)"
  r.is_resumed = out:find "\nReused, " ~= nil
  r.subject = out:match "\nsubject=([^\n]*)"
  r.alpn = out:match "\nALPN protocol: (%S+)"
  r.verify = tonumber(out:match "Verify return code: (%d+)")
  r.alert = tonumber(log:match "SSL alert number (%d+)")
  r.status = tonumber(out:match "HTTP/1%.1 (%d%d%d)")
  r.body = out:match "HTTP/1%.1 %d%d%d.-\r\n\r\n(.*)"
  for pem in out:gmatch "%-%-%-%-%-BEGIN CERTIFICATE.-END CERTIFICATE%-%-%-%-%-\n" do
    table.insert(r.chain, pem)
  end
  return r
end

function s_client.shown(n, name, args)
  local r = s_client.run { port = n.port, name = name, args = args }
  if r.status ~= 200 then error("no answer 200:\n" .. r.log, 2) end
  return r.subject:match "CN = (%S+)", r
end

function s_client.talk(port, args)
  local path = scope.directory() .. "/lines"
  assert(os.execute("mkfifo " .. path) == 0)
  local p = process.spawn { argv = { "sh", "-c",
    ("exec openssl s_client -connect 127.0.0.1:%d -servername a.test %s <%s"):format(port,
      table.concat(args or {}, " "), path) } }
  local lines = assert(io.open(path, "w"))
  lines:setvbuf "no"
  local function count(what) return select(2, p:log():gsub(what, "")) end
  return p, function(text, awaited)
    local before = count(awaited)
    lines:write(text)
    eventually(function() return count(awaited) > before end)
  end, lines
end

return s_client
