local eventually = require "support.eventually"
local net = require "support.net"
local process = require "support.process"
local scope = require "support.scope"
local tcp = require "support.tcp"
local unistd = require "posix.unistd"

-- PostgreSQL does not run as root.
local function as_user(argv)
  if unistd.getuid() ~= 0 then return argv end
  local full = { "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups" }
  for _, word in ipairs(argv) do table.insert(full, word) end
  return full
end

local function server_folder()
  local _, out = process.run { argv = { "sh", "-c", "ls -d /usr/lib/postgresql/*/bin" } }
  return assert(out:match "(%S+)\n$", "no PostgreSQL is installed")
end

local function start_postgres()
  local bin, dir, _, port = server_folder(), scope.directory(), net.refused()
  if unistd.getuid() == 0 then unistd.chown(dir, "postgres", "postgres") end
  local data = dir .. "/data"
  local code, _, errors = process.run {
    argv = as_user { bin .. "/initdb", "-D", data, "-U", "neap", "-A", "trust", "--no-sync" },
    limit = 60,
  }
  assert(code == 0, errors)
  local postgres = process.spawn {
    argv = as_user { bin .. "/postgres", "-D", data, "-p", tostring(port), "-k", dir, "-h",
      "127.0.0.1", "-F" },
    name = "postgres",
  }
  eventually(function() return postgres:stderr():find "ready to accept connections" end, 30)
  return port
end

describe("PostgreSQL through a tcp service #slow", function()
  it("answers queries, copies rows, keeps transactions", function()
    local n = tcp.before { start_postgres() }
    local function psql(...)
      local code, out, errors = process.run {
        argv = { "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
          tostring(n.port), "-U", "neap", "-d", "postgres", ... },
        limit = 30,
      }
      assert.equal(0, code, errors)
      return (out:gsub("\n$", ""))
    end
    assert.equal("42", psql("-c", "select 6 * 7"))
    psql("-c", "create table t as select i, repeat(md5(i::text), 8) as v "
      .. "from generate_series(1, 20000) i")
    local expected = psql("-c", "select md5(string_agg(v, '' order by i)) from t")
    local copy = scope.directory() .. "/rows"
    psql("-c", "\\copy t to '" .. copy .. "'")
    psql("-c", "truncate t", "-c", "\\copy t from '" .. copy .. "'")
    assert.equal(expected, psql("-c", "select md5(string_agg(v, '' order by i)) from t"))
    psql("-q", "-c", "begin", "-c", "delete from t", "-c", "rollback")
    assert.equal("20000", psql("-c", "select count(*) from t"))
  end)
end)
