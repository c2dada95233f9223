local case = require "unit.config_case"

local START = 'return { backends = { "http://h:1" }, compress = '

local function compress_of(text)
  local config = assert(case.load(START .. text .. " }"))
  return config.services[1].compress
end

local function why(text)
  local config, reason = case.load(START .. text .. " }")
  assert.is_nil(config, text)
  return reason
end

describe("compress in the config", function()
  it("is off by default, and by false", function()
    assert.is_false(compress_of "nil")
    assert.is_false(compress_of "false")
  end)

  it("is a list of codings, or a table with all there is", function()
    local short = compress_of '{ "gzip", "br" }'
    assert.same({ { "gzip", "br" }, 1024, 256, { gzip = 5, br = 4, zstd = 3 } },
      { short.codings, short.min_bytes, short.answers, short.levels })
    local long = compress_of [[{ types = { "a/b", "a/*", "+c" }, levels = { br = 6 },
      min_bytes = 0 }]]
    assert.same({ { "zstd", "br", "gzip" }, { "a/b", "a/*", "+c" }, 0, 6, 5 },
      { long.codings, long.types, long.min_bytes, long.levels.br, long.levels.gzip })
    assert.same({ "zstd", "br", "gzip" }, compress_of("{}").codings)
  end)

  it("is told what is wrong in it", function()
    for text, words in pairs {
      ["true"] = "compress: true is not a list of codings (expected { \"zstd\", \"br\", \"gzip\" }",
      ['{ "brotli" }'] = "compress[1]: 'brotli' is not a coding (expected \"zstd\", \"br\" or "
        .. "\"gzip\"); did you mean 'br'?",
      ['{ "gzip", "gzip" }'] = "compress[2]: 'gzip' stands there twice",
      ["{ codings = {} }"] = "compress.codings: the list is empty",
      ['{ types = { "text" } }'] = "compress.types[1]: 'text' is not a media type",
      ["{ levels = { br = 11 } }"] = "compress.levels.br: 11 is out of range",
      ["{ level = 3 }"] = "compress.level: unknown key",
      ["{ answers = 0 }"] = "compress.answers: 0 is out of range",
    } do
      local reason = why(text)
      assert.truthy(reason:find(words, 1, true), reason)
    end
  end)

  it("goes with http alone", function()
    local _, reason = case.load [[return { mode = "tcp", backends = { "tcp://h:1" },
      compress = { "gzip" } }]]
    assert.truthy(reason:find("compress: this goes only with mode = 'http'", 1, true), reason)
  end)
end)
