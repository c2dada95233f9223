local lint = require "unit.lint_tree"

local H = "struct b { int x; };\nenum { B_MOST = 3 };\nvoid b_do(struct b *b);\nvoid b_end(void);\n"

local function files_of(a_h, a_c, b_c)
  return { ["a.h"] = a_h or "void a_do(void);\n", ["a.c"] = a_c or "", ["b.h"] = H,
    ["b.c"] = b_c or "" }
end

local function circle(files, excused)
  return lint.check("circles.lua", lint.tree(files, excused))
end

local TAKES_A = '#include "r/a.h"\nvoid b_do(struct b *b) { (void)b; a_do(); }\n'
local GIVES_A = "void a_do(void) {}\n"

describe("circles among the files of a room", function()
  it("are seen in what files include", function()
    local code, out = circle(files_of(nil, '#include "r/b.h"\n' .. GIVES_A, '#include "r/a.h"\n'))
    assert.equals(1, code)
    assert.equals('src/r: a circle of 2: a, b\n  a -> b: "b.h"\n  b -> a: "a.h"\n', out)
  end)

  it("are seen in the names that they take, whatever header declares these", function()
    local files = files_of(nil, GIVES_A .. "static void f(void) { b_end(); }\n",
      TAKES_A .. "void b_end(void) {}\n")
    files["all.h"] = "void a_do(void);\nvoid b_end(void);\n"
    local code, out = circle(files)
    assert.equals(1, code)
    assert.is_truthy(out:find("a -> b: b_end\n", 1, true), out)
  end)

  it("are seen in structs and values", function()
    local code, out = circle(files_of(nil,
      '#include "r/b.h"\n' .. GIVES_A .. "int n = B_MOST;\nint f(struct b *b) { return b->x; }\n",
      TAKES_A))
    assert.equals(1, code)
    assert.is_truthy(out:find('a -> b: "b.h", B_MOST, struct b\n', 1, true), out)
  end)

  it("are none where a pointer is only passed on", function()
    assert.equals(0, (circle(files_of("struct b;\nvoid a_do(struct b *b);\n",
      '#include "r/a.h"\nvoid a_do(struct b *b) { (void)b; }\n', TAKES_A))))
  end)

  it("are none in comments, strings, members and declarations", function()
    assert.equals(0, (circle(files_of("void a_do(void);\nvoid b_end(void);\n", GIVES_A
      .. '/* b_end */ const char *s = "b_end";\nint f(struct q *q) { return q->b_end; }\n',
      TAKES_A .. "void b_end(void) {}\n"))))
  end)

  it("are excused in rooms of the list, until there is none", function()
    local files = files_of(nil, '#include "r/b.h"\n' .. GIVES_A, TAKES_A)
    assert.equals(0, (circle(files, "circle src/r\n")))
    files["b.c"] = nil
    local code, out = circle(files, "circle src/r\n")
    assert.equals(1, code)
    assert.equals("src/r has no circle: its line may go from .ci/not_yet\n", out)
  end)
end)
