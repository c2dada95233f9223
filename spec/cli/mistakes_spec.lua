local neap = require "support.neap"

-- One line on stderr, nothing on stdout, exit 1.
local function mistake(args, files, cwd)
  local code, stdout, stderr = neap.run(args, { files = files, cwd = cwd })
  assert.equal(1, code)
  assert.equal("", stdout)
  assert.equal(1, select(2, stderr:gsub("\n", "")), stderr)
  return stderr
end

local mistakes = {
  { { "-x" }, "unknown option '-x': neap -h lists all" },
  { { "--versoin" }, "unknown option '--versoin': did you mean --version?" },
  { { "--daemon=yes" }, "--daemon takes no value" },
  { { "-c" }, "-c: FILE is missing" },
  { { "-w" }, "-w: N is missing" },
  { { "-w", "0" }, "-w: '0' is not a number from 1 to 64" },
  { { "-w", "many" }, "-w: 'many' is not a number from 1 to 64" },
  { { "-w", "65" }, "-w: '65' is not a number from 1 to 64" },
  { { "-p", "" }, "-p: the name of a file is expected" },
  { { "chekc" }, "unknown command 'chekc': did you mean check?" },
  { { "banana" }, "unknown command 'banana': neap -h lists all" },
  { { "config.lua" }, "'config.lua': a config is named by -c: neap -c config.lua" },
  { { "check", "./a.json" }, "'./a.json': a config is named by -c: neap -c ./a.json" },
  { { "99999" }, "'99999' is not a port (1-65535)" },
  { { "-c", "config.txt" }, "config.txt: a config's name ends in .lua or .json" },
  { { "-c", "config.lua", "8081" }, "backends on the command line or -c, not both" },
  { { "-l", ":9090" }, "-l goes with backends on the command line (neap -l :9090 8081 8082); "
    .. "a config has its own key, listen" },
  { { "demo", "8081" }, "demo brings its own backends: '8081' is too much" },
  { { "demo", "-d" }, "demo takes no -c, -d, -p: it has its own config" },
  { { "demo", "--backend", "web9" }, "--backend: web1 to web4 are expected, not 'web9'" },
  { { "--backend", "web1", "8081" }, "--backend goes with demo" },
  { { "reload", "8081" }, "reload takes no '8081': name the process by --pid N, -p FILE or "
    .. "-c FILE" },
  { { "reload", "-w", "2" }, "reload takes -c, -p and --pid only: the process keeps its own "
    .. "options" },
  { { "--watch", "8081" }, "--watch goes with a config that is served: neap -c FILE --watch" },
  { { "reload", "--pid", "x" }, "--pid: 'x' is no process's number" },
  { { "reload", "--pid", "1" }, "process 1 is no neap that can be asked from here" },
  { { "--pid", "1" }, "--pid goes with reload" },
  { { "replay" }, "replay: which recording? neap replay FILE --policy FILE" },
  { { "record" }, "record: into which file? neap record FILE" },
  { { "--seconds", "3", "8081" }, "--seconds, --count, --redact and --keep go with "
    .. "record" },
  { { "-l", ":28080", "8081x" },
    "'8081x' is not a port (1-65535); a host of that name has one: 8081x:80" },
  { { "-l", "https://:8443", "8081" },
    "-l https://:8443: an address to listen on has no scheme (write -l :8443 --tls)" },
  { { "--tls", "-l", "https://[::1]/", "8081" },
    "-l https://[::1]/: an address to listen on has no scheme (write -l [::1]:8080)" },
  { { "-l", "http://localhost:8080/x", "8081" }, "-l http://localhost:8080/x: an address to listen "
    .. "on has no scheme (write -l localhost:8080)" },
  { { "-l", "localhost", "8081" }, "command-line.lua: listen: 'localhost' is not an address: the "
    .. "port is missing, as in 'localhost:8080' (expected \"host:port\", \":port\", "
    .. "\"[v6]:port\" or \"unix:/path\")" },
  { { 'a"b:80' }, "'a\"b:80' is not an address" },
}

describe("a mistake on the command line", function()
  for _, case in ipairs(mistakes) do
    it("says " .. case[2], function()
      assert.equal("neap: " .. case[2] .. "\n", mistake(case[1]))
    end)
  end

  it("says what to do when there is no config", function()
    if io.open "/etc/neap/config.lua" then return pending "this machine has a config" end
    local stderr = mistake {}
    assert.matches("no config: there is neither %./config%.lua nor /etc/neap/config%.lua", stderr)
    assert.matches("neap %-c FILE.*neap 8081 8082.*neap demo", stderr)
  end)

  it("says that a config is not there", function()
    assert.matches("^neap: none%.lua: .*No such file", mistake { "-c", "none.lua" })
  end)

  it("names file and key of a config that is wrong", function()
    local config = 'return { backends = { "http://127.0.0.1:1" }, lisen = ":80" }'
    local stderr = mistake({ "-c", "config.lua" }, { ["config.lua"] = config })
    assert.matches("^neap: config%.lua: lisen: .*listen", stderr)
  end)

  it("names file and line of a config that is no Lua", function()
    local config = "return {\n  workers = = 1 }"
    local stderr = mistake({ "-c", "config.lua" }, { ["config.lua"] = config })
    assert.matches("^neap: config%.lua:2:", stderr)
    assert.is_nil(stderr:find("begin it with", 1, true))
  end)

  it("tells how a config begins that has no return", function()
    for _, config in ipairs { 'listen = ":80"', '{ listen = ":80" }', "local x = 1" } do
      local stderr = mistake({ "-c", "config.lua" }, { ["config.lua"] = config })
      assert.matches("^neap: config%.lua:.*return {", stderr)
    end
  end)
end)
