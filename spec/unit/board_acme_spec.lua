-- Certificates and answers to challenges on the board, as workers read them.
local probe = require "support.probe"

local lib = probe.load [[
  struct str { const char *p; size_t n; };
  struct board;
  int board_create(struct board **b, void *e);
  void board_destroy(struct board *b);
  int board_acme_write(struct board *b, struct str text, void *e);
  uint32_t board_acme_version(const struct board *b);
  int board_acme_read(const struct board *b, char **text, size_t *n, uint32_t *version, void *e);
  struct acme_entry { struct str kind, name, bytes; uint32_t service; };
  bool acme_entry_next(struct str *rest, struct acme_entry *entry);
  void free(void *p);
]]
local ffi = probe.ffi

local function str(text) return ffi.new("struct str", { text, #text }) end
local function text_of(s) return ffi.string(s.p, s.n) end

-- The entries of a text, as "kind service name bytes".
local function entries(text)
  local rest, entry, list = ffi.new "struct str", ffi.new "struct acme_entry", {}
  rest.p, rest.n = text, #text
  while lib.acme_entry_next(rest, entry) do
    table.insert(list, ("%s %d %s %s"):format(text_of(entry.kind), entry.service,
      text_of(entry.name), text_of(entry.bytes)))
  end
  return list, tonumber(rest.n)
end

describe("certificates of a CA on the board", function()
  local board

  before_each(function()
    local made = ffi.new "struct board *[1]"
    assert.equal(0, lib.board_create(made, nil))
    board = made[0]
  end)

  after_each(function() lib.board_destroy(board) end)

  local function read()
    local text, n, version = ffi.new "char *[1]", ffi.new "size_t[1]", ffi.new "uint32_t[1]"
    assert.equal(0, lib.board_acme_read(board, text, n, version, nil))
    local copy = ffi.string(text[0], n[0])
    lib.free(text[0])
    return copy, version[0]
  end

  it("are read as they were written, whatever their length", function()
    assert.equal(0, lib.board_acme_version(board))
    for i, n in ipairs { 0, 1, 7, 8, 9, 4096, 4 * 1024 * 1024, 3 } do
      local text = ("x"):rep(n)
      assert.equal(0, lib.board_acme_write(board, str(text), nil))
      local copy, version = read()
      assert.is_true(text == copy)
      assert.equal(i, version)
      assert.equal(i, lib.board_acme_version(board))
    end
  end)

  it("stay when the next ones are too long", function()
    assert.equal(0, lib.board_acme_write(board, str "old", nil))
    assert.is_not.equal(0, lib.board_acme_write(board, str(("x"):rep(4 * 1024 * 1024 + 1)), nil))
    assert.equal("old", (read()))
    assert.equal(1, lib.board_acme_version(board))
  end)

  it("are entries with a line each, whose bytes may be anything", function()
    assert.same({ "http 0 token text", "pem 12 a.test a\nb \0c", "alpn 1 b.test " },
      (entries "http 0 token 4\ntext\npem 12 a.test 6\na\nb \0c\nalpn 1 b.test 0\n\n"))
    assert.same({}, (entries ""))
  end)

  it("end at what is no entry", function()
    for _, text in ipairs {
      "\n", "http\n", "http 0 token\n", "http 0 token 4\ntex", "http x t 1\na\n",
      "http 0 token 4\ntext", "http 0 token 9\ntext\n", "http 0 token -1\ntext\n",
      "http 0 t 1 2\na\n", "http 0 token 99999999999999999999\ntext\n",
      "http 4294967296 t 1\na\n", "http 0 t 1",
    } do
      assert.same({ "pem 0 a b" }, (entries("pem 0 a 1\nb\n" .. text)))
    end
  end)
end)
