local neap = require "support.neap"
local scope = require "support.scope"

local SMALL = "events {} http { server { listen 80; location / { proxy_pass http://h:1; } } }"

local function convert(text, options)
  options = options or {}
  local files = options.files or {}
  files[options.name or "nginx.conf"] = text
  local args = { "convert", options.name or "nginx.conf", unpack(options.args or {}) }
  return neap.run(args, { files = files, limit = 120 })
end

local function why(...) return (select(3, convert(...))) end

describe("neap convert", function()
  it("prints both files without -o", function()
    local code, out, said = convert(SMALL)
    assert.equal(0, code)
    assert.matches("-- ==== config.lua\n.*return {.*-- ==== policy.lua\n.*return policy\n$", out)
    assert.matches("0 things are not converted", said)
  end)

  it("says what has no counterpart, with file and line, and exits with 2", function()
    local code, out, said = convert("events {}\nhttp {\n autoindex on;\n frobnicate x;\n"
      .. "server { listen 80;\n root /srv; } }")
    assert.equal(2, code)
    for _, text in ipairs {
      "nginx.conf:3: autoindex: neap serves no files", "nginx.conf:4: frobnicate: ",
      "nginx.conf:6: root /srv: neap serves no files" } do
      assert.matches(text, said, 1, true)
      assert.matches("-- NOT CONVERTED " .. text, out, 1, true)
    end
    assert.matches("3 things are not converted, 0 work differently\n$", said)
  end)

  it("overwrites nothing", function()
    local dir = scope.directory()
    scope.write(dir .. "/nginx.conf", SMALL)
    local args = { "convert", dir .. "/nginx.conf", "-o", dir .. "/new" }
    assert.equal(0, (neap.run(args)))
    local before = scope.read(dir .. "/new/config.lua")
    local code, _, said = neap.run(args)
    assert.equal(1, code)
    assert.matches("new/config.lua is there already; choose another folder", said)
    assert.equal(before, scope.read(dir .. "/new/config.lua"))
  end)

  it("reads what is included, relative to the main file", function()
    local code, out = convert("http { include sites/*.conf; }", { files = {
      ["sites/a.conf"] = "server { listen 81; location / { proxy_pass http://a:1; } }",
      ["sites/b.conf"] = "server { listen 82; location / { proxy_pass http://b:1; } }",
      ["sites/c.txt"] = "server { listen 83; location / { proxy_pass http://c:1; } }",
    } })
    assert.equal(0, code)
    assert.matches("0.0.0.0:81.*0.0.0.0:82", out)
    assert.not_matches("0.0.0.0:83", out)
  end)

  it("says what is wrong with a file, and where", function()
    local cases = {
      ["http {\n server {\n"] = "nginx.conf:3: a block has no end: } is missing",
      ["http { } }"] = "nginx.conf:1: a } too much",
      ["http {\n listen 80 }"] = "nginx.conf:2: 'listen' does not end with a ; or a block",
      ["events {\n} x 'abc"] = "nginx.conf:2: a text in quotes has no end",
      ["events {}"] = "there is no server in http or stream",
      [("a {"):rep(100)] = "nginx.conf:1: blocks are more than 64 deep",
      ["http { include nginx.conf; }"] = "files include each other 16 deep: is it a loop?",
      [""] = "nginx.conf: nothing is in it",
    }
    for text, expected in pairs(cases) do assert.matches(expected, why(text), 1, true) end
  end)

  it("takes long files in good time", function()
    local locations = {}
    for i = 1, 20000 do locations[i] = ("location /a%d { proxy_pass http://h:1; }"):format(i) end
    local code = convert("http { server { listen 80;\n" .. table.concat(locations, "\n") .. "} }")
    assert.equal(0, code)
    local lines = { "defaults\n mode http" }
    for i = 1, 5000 do lines[i + 1] = " option httplog" end
    for i = 1, 5000 do table.insert(lines, ("backend b%d\n server s 10.0.0.1:80"):format(i)) end
    local text = table.concat(lines, "\n") .. "\nfrontend f\n bind :80\n default_backend b1\n"
    assert.equal(0, (convert(text, { name = "haproxy.cfg" })))
  end)

  it("bounds what it reads", function()
    assert.matches("more than 8 MiB", why("events {}\n" .. ("# padding\n"):rep(900000)), 1, true)
    assert.matches("more than 200000 directives", why("events {}\n" .. ("a;"):rep(200001)), 1, true)
  end)

  it("says how it is used", function()
    assert.matches("usage: neap convert FILE", (select(2, neap.run { "convert", "--help" })))
    local function said(...) return (select(3, neap.run { "convert", ... })) end
    assert.matches("which file%? neap convert FILE", said())
    assert.matches("'b' is too much", said("a", "b"))
    assert.matches("unknown option '%-%-to'", said("--to"))
    assert.matches("nginx or haproxy is expected", said("--from", "caddy", "x"))
    assert.matches("%-o needs a value", said("x", "-o"))
    assert.matches("/no/such: No such file", said("/no/such"))
  end)
end)
