-- Texts that others send: 64 KiB of whatever is worst for a pattern goes through each reader that
-- is written in Lua, and costs next to nothing. (CPU time of this process, which is alone in it.)

local SIZE = 65536
local LIMIT = 0.25 -- seconds; what is quadratic takes ten

local function fill(text) return text:rep(math.ceil(SIZE / #text)):sub(1, SIZE) end

-- Runs of all that patterns repeat, with something at the end on which they fail.
local RUNS = { " ", "\t", "\r", "\n", "\r\n", ".", ":", "/", "[", "]", "[]", "1", "a", "0.", "\"",
  "\" \"", "=", ",", ";", "%", "%25", "-", "--[[", "\0", "\255", "\\", "{", "\\u00", "::", "a:",
  "1:", "a=b ", "\194", "\128", "b1-", "( ", "1.", "?" }

local function texts()
  local list = {}
  for _, run in ipairs(RUNS) do
    local text = fill(run)
    list[#list + 1], list[#list + 2] = text, text .. "x"
    list[#list + 3], list[#list + 4] = "x" .. text .. "\n", "a" .. text .. "b\r\n"
  end
  return list
end

local address = require "neap.config.address"
local url = require "neap.config.url"
local show = require "neap.config.show"
local trim = require "neap.trim"
local http = require "neap.io.http"
local logline = require "neap.sim.logline"
local load = require "neap.config.load"
local nearest = require "neap.config.nearest"

-- reader → function(text)
local READERS = {
  ["fields of an answer"] = http.parse_headers,
  ["fields of an answer: a value"] = function(text)
    http.parse_headers("a: " .. text:gsub("[\r\n]", " ") .. "\r\n")
  end,
  ["a line of a log"] = logline.parse,
  ["a line of a log that begins well"] = function(text)
    logline.parse('1.2.3.4 - - [22/Nov/2026:22:05:01 +0000] "GET / HTTP/1.1" 200 612 ' .. text)
  end,
  ["a line of a log: its user"] = function(text) logline.parse("1.2.3.4 - " .. text) end,
  ["an address to listen at"] = address.listen,
  ["a host"] = address.check_host,
  ["an address in brackets"] = function(text) address.listen("[" .. text .. "]:80") end,
  ["a range of addresses"] = address.check_cidr,
  ["a URL"] = url.parse,
  ["a URL's host"] = function(text) url.parse("http://" .. text) end,
  ["a URL's path"] = function(text) url.parse("http://a/" .. text) end,
  ["blanks at the ends"] = trim.blanks,
  ["a field's value"] = trim.field,
  ["slashes at the end"] = trim.slashes,
  ["a config in JSON"] = function(text)
    load.load("c.json", { read = function() return text end })
  end,
  ["a string of a config in JSON"] = function(text)
    load.load("c.json", { read = function() return '{ "listen": "' .. text .. '" }' end })
  end,
  ["the members that discover gave"] = function(text)
    load.backends({ { url = text, name = text, zone = text, tags = { [text] = text } } }, "x")
  end,
  ["a message"] = show.value,
  ["a text of JSON"] = require("neap.admin.json").encode,
  ["a text for a terminal"] = require("neap.admin.plain").text,
  ["a mistyped word"] = function(text) nearest.find(text, { "listen", text, "backends" }) end,
  ["what an answer must contain"] = function(text)
    local pattern = require "neap.check.pattern"
    for _, wanted in ipairs { "a*a*a*b", " +$", "^%s*ok%s*$", "x.-y.-z" } do
      pattern.new(wanted)(text)
    end
  end,
}

describe("64 KiB of hostile text", function()
  for name, read in pairs(READERS) do
    it("costs next to nothing as " .. name, function()
      for _, text in ipairs(texts()) do
        local before = os.clock()
        read(text)
        local seconds = os.clock() - before
        assert.is_true(seconds < LIMIT, ("%g s: %q…"):format(seconds, text:sub(1, 12)))
      end
    end)
  end

  it("costs next to nothing as a word among thousands", function()
    local names = {}
    for i = 1, 8000 do names[i] = ("backend-%05d.example.org"):format(i) end
    local before = os.clock()
    assert.equal(names[1234], nearest.find("bakcend-01234.example.org", names))
    assert.is_nil(nearest.find(fill "a", names))
    assert.is_true(os.clock() - before < LIMIT)
  end)
end)
