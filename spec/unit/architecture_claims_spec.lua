-- What docs/architecture.md claims in a sentence and code can prove: a pattern of the sentence, and
-- what holds then. Its captures (a number, mostly) are handed to the proof. A claim whose sentence
-- is gone fails too: who changes the page changes the claim.

local Page = require "support.page"
local tree = require "support.tree"

local page = Page.read "docs/architecture.md"

-- The files of a room that include one that matches.
local function including(room, pattern)
  local list = {}
  for _, path in ipairs(tree.files("src/" .. room)) do
    for _, included in ipairs(tree.includes(path)) do
      if included:find(pattern) then list[#list + 1] = path .. ": " .. included end
    end
  end
  return list
end

local function calls(folder, name)
  local list = {}
  for _, path in ipairs(tree.files(folder)) do
    if path:find "%.c$" then
      for line in tree.code(path):gmatch("\n([ \t][^\n]*%f[%w_]" .. name .. "%s*%([^\n]*)") do
        list[#list + 1] = path .. ":" .. line
      end
    end
  end
  return list
end

-- The body of a struct of the board, from whichever header has it.
local function body_of(name)
  for _, path in ipairs(tree.files("src/shm", ".h")) do
    local body = tree.code(path):match("%f[%w]struct%s+" .. name .. "%s*(%b{})%s*;")
    if body then return body end
  end
end

local function pointers_below(name, found)
  local body = body_of(name)
  if not body or found[name] then return found end
  found[name] = true
  for member in body:gmatch "[^;{}]+" do
    if member:find "%*%s*[%w_]+%s*$" then table.insert(found, name .. ": " .. member) end
  end
  for inner in body:gmatch "struct%s+([%w_]+)%s+[%w_]" do pointers_below(inner, found) end
  return found
end

local claims = {}
local function claim(pattern, proof) table.insert(claims, { pattern = pattern, proof = proof }) end

claim("four times a second at the heartbeats", function()
  assert.equals(1000 / 4, tree.number "HEART_MS")
end)

claim("in the same entry into Lua for (%d+) s, or whose loop does nothing for (%d+)",
  function(hook, loop)
    assert.equals(hook * 1000, tree.number "HOOK_MS")
    assert.equals(loop * 1000, tree.number "LOOP_MS")
  end)

claim("those that drain %((%d+) at most", function(most)
  assert.equals(tonumber(most), tree.number "FLEET_DRAINING_MAX")
end)

claim("after (%d+) failures in one turn", function(most)
  assert.equals(tonumber(most), tree.number "FAILURES_MAX")
end)

claim("after two ticks of (%d+) ms of CPU time", function(tick)
  assert.equals(tonumber(tick), tree.number "FUSE_TICK_MS")
  assert.equals(2, tree.number "FUSE_TICKS_HOOK")
end)

claim("from (%d+) KiB on by `splice`", function(kib)
  assert.equals(kib * 1024, tree.number "PLANE_SPLICE_BYTES")
end)

claim("C11 atomics, no locks, no pointers", function()
  for _, lock in ipairs { "pthread_%l*lock", "pthread_mutex", "%f[%w]sem_%l+" } do
    for _, path in ipairs(tree.with("src/shm", lock)) do
      assert.matches("^src/shm/[%l_]*store", path, 1, false) -- the stores are beside the board
    end
  end
  local found = pointers_below("board", {})
  assert.is_true(found.board_backend, "the board's structs were not found")
  assert.same({}, { unpack(found) })
end)

claim("never a sibling, never up", function()
  assert.equals(0, os.execute("luajit .ci/layers.lua " .. table.concat(tree.files "src", " ")))
end)

claim("the master and what it runs; it includes no Lua", function()
  for _, room in ipairs { "fleet", "upstream", "net", "shm", "http", "conf", "base" } do
    assert.same({}, including(room, "^lua"))
    assert.same({}, including(room, "^lauxlib"))
    assert.same({}, including(room, "^script/"))
  end
end)

claim("`http` knows no sockets", function()
  assert.same({}, including("http", "^net/"))
  assert.same({}, including("http", "^sys/"))
  assert.same({}, including("http", "^ev%.h$"))
  assert.same({}, including("http", "^unistd%.h$"))
end)

claim("`script` and `upstream` do not know each other", function()
  assert.same({}, including("script", "^upstream/"))
  assert.same({}, including("upstream", "^script/"))
end)

claim("the only file that requires `ffi`", function()
  assert.same({ "lua/neap/ffi.lua" }, tree.with("lua", "require%s*%(?%s*[\"']ffi[\"']"))
end)

claim("in `src/script/abi.h` and the `abi_%*%.h` beside it, which both", function()
  assert.same({ "lua/neap/ffi.lua", "lua/neap/testing/outside.lua" },
    tree.with("lua/neap", "ffi%.cdef"))
  assert.is_truthy(tree.read("lua/neap/ffi.lua"):find('ffi.cdef(native.embedded "abi.h")', 1, true))
  assert.is_true(#including("script", "^script/abi%.h$") > 0)
end)

claim("C enters hooks and coroutines through `co.c` alone", function()
  assert.same({ "src/script/co.c" }, tree.with("src", "%f[%w_]lua_resume%s*%("))
end)

claim("one state %(`enum exchange_state` in `([%w_/.]+)`%)", function(path)
  assert.is_truthy(tree.code("src/" .. path):find "enum%s+exchange_state%s*{")
end)

claim("one function that goes through the states %(`exchange_run`%)", function()
  assert.same({ "src/exchange/exchange.c" }, tree.with("src", "%f[%w_]exchange_run%s*%("))
  assert.equals(1, #calls("src/exchange/exchange.c", "step"))
end)

claim("a tunnel has its own %(`enum tunnel_state`, `tunnel_run`%)", function()
  assert.same({ "src/exchange/tunnel.c" }, tree.with("src", "%f[%w_]tunnel_run%s*%("))
  assert.equals(1, #calls("src/exchange/tunnel.c", "step"))
end)

claim("Only `exchange.c` sets the state of an exchange, and only `tunnel.c` that of a tunnel",
  function()
    assert.same({ "src/exchange/exchange.c" }, tree.with("src", "%f[%w]state%s*=%s*[^;=]-EX_%u"))
    assert.same({ "src/exchange/exchange.c" }, tree.with("src", "%f[%w]ex%->state%s*=[^=]"))
    assert.same({ "src/exchange/tunnel.c" }, tree.with("src", "%f[%w]state%s*=%s*[^;=]-TUNNEL_%u"))
    assert.same({ "src/exchange/tunnel.c" }, tree.with("src/exchange", "%f[%w]t%->state%s*=[^=]"))
  end)

-- The files of src that have a row of that interface.
local function rows_of(interface)
  return tree.with("src", "const struct " .. interface .. " [%w_]+%s*=%s*{")
end

claim("`client_ops` has four rows in `src/`, `leg_ops` two", function()
  assert.same({ "src/exchange/hedge.c", "src/exchange/mirror.c", "src/proxy/h1_client.c",
    "src/proxy/h2_client.c" }, rows_of "client_ops")
  assert.same({ "src/upstream/h1_leg.c", "src/upstream/h2_leg.c" }, rows_of "leg_ops")
end)

claim("`net/plain_stream` %(TCP and unix sockets%), `net/tls_stream` %(TLS over one of them%), "
  .. "`stream_closed` %(no connection%), `proxy/h2_tunnel` %(a stream of HTTP/2%), "
  .. "`script/link_stream` %(a request of a script over HTTP/2%)", function()
  assert.same({
    "src/net/plain_stream.c", "src/net/stream.c", "src/net/tls_stream.c", "src/proxy/h2_tunnel.c",
    "src/script/link_stream.c",
  }, rows_of "stream_ops")
end)

claim("The tests have a second row of each", function()
  local rows = {
    stream_ops = "tests/net_memory.c",
    client_ops = "tests/exchange_client.c",
    leg_ops = "tests/exchange_leg.c",
  }
  for interface, path in pairs(rows) do
    assert.is_truthy(page.raw:find("`" .. path .. "`", 1, true), path)
    local there = tree.with("tests", "const struct " .. interface .. " [%w_]+%s*=%s*{")
    assert.is_truthy((" " .. table.concat(there, " ") .. " "):find(" " .. path .. " ", 1, true))
  end
end)

claim("Only `leg_is_untouched` says that a backend has taken nothing", function()
  assert.same({ "src/exchange/attempt.c", "src/upstream/leg.h" },
    tree.with("src", "%f[%w_]leg_is_untouched%s*%("))
  for _, folder in ipairs { "src/exchange", "src/proxy" } do
    assert.same({}, tree.with(folder, "leg[.>-]+sent%f[^%w_]"))
  end
end)

claim("is named in `net` and `fleet` only", function()
  for _, room in ipairs { "exchange", "proxy", "upstream", "script", "lua", "admin" } do
    assert.same({}, tree.with("src/" .. room, "[.>]fd%f[^%w_]"))
  end
end)

claim("costs at most (%d+) bytes", function(bytes)
  local promise = "_Static_assert(sizeof(struct h1_front) <= " .. bytes
  assert.is_truthy(tree.code("src/proxy/h1_front.c"):find(promise, 1, true))
end)

claim("no function of C is longer than (%d+). Half of them have at most (%d+)",
  function(most, median)
    local pipe = assert(io.popen("luajit .ci/sizes.lua --median $(find src -name '*.c')"))
    local said = pipe:read "*a"
    pipe:close()
    local functions, half, longest =
      said:match "^(%d+) functions: median (%d+) lines, .* the longest (%d+)"
    assert.is_true(tonumber(functions) > 1000, said)
    assert.is_true(tonumber(half) <= tonumber(median), said)
    assert.is_true(tonumber(longest) <= tonumber(most), said)
  end)

claim("the one place that ends a request's accounts", function()
  assert.equals(1, #calls("src/exchange/closing.c", "access_end"))
  assert.equals(1, #calls("src/exchange/tunnel.c", "access_end"))
  assert.equals(1, #calls("src/exchange/flow.c", "access_end"))
  assert.equals(3, #calls("src", "access_end"))
end)

claim("written by a thread in `base/lines`", function()
  assert.same({ "src/base/lines.c" }, tree.with("src", "pthread_create"))
end)

claim("What root opens by a path goes through `src/base/trusted.c`, which follows no link",
  function()
    local calls_n = 0
    for arguments in tree.code("src/base/trusted.c"):gmatch "%f[%w_]openat%s*(%b())" do
      assert.is_truthy(arguments:find "O_NOFOLLOW", arguments)
      calls_n = calls_n + 1
    end
    assert.is_true(calls_n > 0)
  end)

claim("its own listening socket for each address %(`SO_REUSEPORT`%)", function()
  assert.is_true(#tree.with("src/net", "SO_REUSEPORT") > 0)
end)

claim("CMake takes all files there", function()
  assert.is_truthy(tree.read("cmake/fuzz.cmake"):find("fuzz/fuzz_*.c", 1, true))
end)

describe("docs/architecture.md says, and so it is:", function()
  for _, c in ipairs(claims) do
    it(c.pattern, function()
      local at = { page.text:find(c.pattern) }
      assert.is_truthy(at[1], page.path .. " does not say it")
      c.proof(unpack(at, 3))
    end)
  end
end)
