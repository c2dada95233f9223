local base = require "unit.base_probe"
local scope = require "support.scope"
local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"
local stat = require "posix.sys.stat"
local ffi, lib, level = base.ffi, base.lib, base.level

local STAMP = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ "

describe("the log", function()
  local path
  local function open(target, at)
    local e = ffi.new "struct bt_error"
    return lib.log_open(target, at or level.debug, e), ffi.string(e.text)
  end

  before_each(function()
    path = scope.directory() .. "/log"
    assert.equals(0, (open(path)))
  end)
  after_each(function() open("stderr", level.info) end)

  -- What the last call wrote behind time and level.
  local function written(text)
    local before = #scope.read(path)
    lib.log_info("%s", text)
    local line = scope.read(path):sub(before + 1)
    return (line:gsub(STAMP .. "info ", ""))
  end

  it("writes one line an entry: time, level, text", function()
    lib.log_debug "one"
    lib.log_info("two %s", "words")
    lib.log_warn "three"
    lib.log_error "four"
    lib.log_at(level.warn, "five")
    local levels = {}
    for line in scope.read(path):gmatch "([^\n]*)\n" do
      assert.matches(STAMP, line)
      table.insert(levels, (line:gsub(STAMP, "")))
    end
    assert.same({ "debug one", "info two words", "warn three", "error four", "warn five" }, levels)
    assert.equals(os.date("!%Y-%m-%dT%H"), scope.read(path):sub(1, 13))
  end)

  it("leaves out what is below its level", function()
    open(path, level.warn)
    lib.log_debug "x"
    lib.log_info "x"
    lib.log_at(level.info, "x")
    assert.equals("", scope.read(path))
    assert.is_false(lib.log_enabled(level.info))
    assert.is_true(lib.log_enabled(level.warn))
  end)

  it("escapes what could forge a line or command a terminal", function()
    local good = "\195\188 \226\130\172 \240\159\152\128"
    for text, expected in pairs {
      ["a\nb"] = [[a\x0ab]], ["\r\t\27[2J"] = [[\x0d\x09\x1b[2J]], ["\127"] = [[\x7f]],
      ["\194\155x"] = [[\xc2\x9bx]], ["\155"] = [[\x9b]],
      [good] = good, ["\194\160"] = "\194\160", ["\192\175"] = [[\xc0\xaf]],
      ["\237\160\128"] = [[\xed\xa0\x80]], ["\226\130"] = [[\xe2\x82]], ["\255"] = [[\xff]],
      ["\224\159\191"] = [[\xe0\x9f\xbf]], ["\240\143\191\191"] = [[\xf0\x8f\xbf\xbf]],
      ["\244\144\128\128"] = [[\xf4\x90\x80\x80]], ["\226(\161"] = [[\xe2(\xa1]], [""] = "",
      ["\226\130("] = [[\xe2\x82(]], [ [[C:\n]] ] = [[C:\n]],
    } do
      assert.equals(expected .. "\n", written(text))
    end
  end)

  it("cuts long lines between characters and says so", function()
    for _, piece in ipairs { "x", "\226\130\172", "\n" } do
      for lead = 0, 4 do
        local before = #scope.read(path)
        lib.log_info("%s", ("y"):rep(lead) .. piece:rep(6000))
        local line = scope.read(path):sub(before + 1)
        assert.is_true(#line <= 4096 and #line > 4080)
        local shown = piece == "\n" and [[\x0a]] or piece
        local text = line:gsub(STAMP .. "info y*", "")
        local count = (#text - #"…\n") / #shown
        assert.equals(shown:rep(count) .. "…\n", text)
      end
    end
  end)

  it("cuts no character that fits", function()
    local text = ("\226\130\172"):rep(1353)
    assert.equals(text .. "\n", written(text))
  end)

  it("appends, and makes files for owner and group only", function()
    lib.log_info "one"
    open(path)
    lib.log_info "two"
    local _, lines = scope.read(path):gsub("\n", "")
    assert.equals(2, lines)
    assert.equals(0, require("bit").band(stat.stat(path).st_mode, 23)) -- 027
  end)

  it("goes on under the same path after rotation", function()
    lib.log_info "one"
    assert(os.rename(path, path .. ".1"))
    lib.log_info "two"
    assert.equals(0, lib.log_reopen(nil))
    lib.log_info "three"
    assert.matches("one.*two\n$", scope.read(path .. ".1"))
    assert.matches("^[^\n]*three\n$", scope.read(path))
  end)

  it("keeps the former sink when another cannot be had", function()
    for target, words in pairs {
      ["/nowhere/at/all"] = "cannot open the log file /nowhere/at/all: No such file or directory",
      ["syslog:/nowhere"] = "cannot reach syslog at /nowhere: No such file or directory",
      [""] = 'log target "": not a usable path',
    } do
      local code, text = open(target)
      assert.not_equals(0, code)
      assert.equals(words, text)
    end
    assert.equals("still here\n", written "still here")
  end)

  it("counts what cannot be written", function()
    assert.equals(0, (open "/dev/full"))
    local before = lib.log_lost()
    lib.log_info "x"
    lib.log_info "y"
    assert.equals(2, tonumber(lib.log_lost() - before))
  end)

  it("never waits for a full pipe behind stderr", function()
    local reader, writer = unistd.pipe()
    local saved = unistd.dup(2)
    unistd.dup2(writer, 2)
    open "stderr"
    local before = lib.log_lost()
    for _ = 1, 40 do lib.log_info("%s", ("x"):rep(4000)) end
    unistd.dup2(saved, 2)
    for _, fd in ipairs { reader, writer, saved } do unistd.close(fd) end
    local lost = tonumber(lib.log_lost() - before)
    assert.is_true(lost > 0 and lost < 40)
  end)

  it("speaks to syslog, also after syslog was started again", function()
    local address = { family = socket.AF_UNIX, path = scope.directory() .. "/s" }
    local function listen()
      local fd = assert(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0))
      assert(socket.bind(fd, address))
      return fd
    end
    local fd = listen()
    assert.equals(0, (open("syslog:" .. address.path)))
    lib.log_warn "a\nb"
    local wanted = "^<28>%a%a%a [ %d]%d %d%d:%d%d:%d%d neap%[" .. unistd.getpid() .. "%]: "
    assert.matches(wanted .. [[a\x0ab$]], (socket.recv(fd, 8192)))
    unistd.close(fd)
    os.remove(address.path)
    local before = lib.log_lost()
    lib.log_error "lost"
    assert.equals(1, tonumber(lib.log_lost() - before))
    fd = listen()
    lib.log_error "back"
    local lost = "^<28>.*: lines of this log that could not be written: 1 %("
    assert.matches(lost, (socket.recv(fd, 8192)))
    assert.matches("^<27>.*: back$", (socket.recv(fd, 8192)))
    assert.equals(0, lib.log_reopen(nil))
    unistd.close(fd)
  end)

  it("knows its levels by name", function()
    local out = ffi.new "int[1]"
    for word, number in pairs(level) do
      assert.is_true(lib.log_level_of(word, out))
      assert.equals(number, out[0])
    end
    for _, word in ipairs { "", "Info", "warning", "errors" } do
      assert.is_false(lib.log_level_of(word, out))
    end
  end)

  it("lets through one line a second of what repeats", function()
    local limit, skipped = ffi.new "struct bt_limit", ffi.new "uint32_t[1]"
    assert.is_true(lib.log_may(limit, 5, skipped))
    assert.is_false(lib.log_may(limit, 6, skipped))
    assert.is_false(lib.log_may(limit, 1004, skipped))
    assert.is_true(lib.log_may(limit, 1005, skipped))
    assert.equals(2, skipped[0])
    assert.is_true(lib.log_may(limit, 2005, skipped))
    assert.equals(0, skipped[0])
  end)
end)
