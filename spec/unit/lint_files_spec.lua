local lint = require "unit.lint_tree"

describe("headers", function()
  it("declare what their own .c defines", function()
    local dir = lint.tree {
      ["a.h"] = "void a_do(void);\nvoid b_do(void);\n", ["a.c"] = "void a_do(void) {}\n",
      ["b.c"] = "void b_do(void) {}\n",
    }
    local _, out = lint.check("headers.lua", dir, "src/r/a.h", "src/r/a.c", "src/r/b.c")
    assert.equals("src/r/a.h:2: declares b_do, which src/r/b.c defines\n", out)
  end)

  it("have something of their own", function()
    local dir = lint.tree {
      ["all.h"] = '#ifndef ALL_H\n#define ALL_H\n#include "r/a.h"\n#endif\n',
      ["a.h"] = "struct a { int x; };\n",
    }
    local _, out = lint.check("headers.lua", dir, "src/r/all.h", "src/r/a.h")
    assert.equals("src/r/all.h:1: has nothing but what it includes\n", out)
  end)
end)

describe("functions in C", function()
  local function lines(n) return "void f(void)\n{\n" .. ("\tg();\n"):rep(n - 3) .. "}\n" end

  it("have at most 50 lines", function()
    local dir = lint.tree { ["a.c"] = lines(50), ["b.c"] = lines(51) }
    local code, out = lint.check("sizes.lua", dir, "src/r/a.c", "src/r/b.c")
    assert.equals(1, code)
    assert.equals("src/r/b.c:1: f has 51 lines, more than 50\n", out)
  end)

  it("are counted", function()
    local dir = lint.tree { ["a.c"] = lines(5), ["b.c"] = lines(9), ["c.c"] = lines(30) }
    local code, out = lint.check("sizes.lua", dir, "--median", "src/r/a.c", "src/r/b.c",
      "src/r/c.c")
    assert.equals(0, code)
    assert.equals("3 functions: median 9 lines, 90 of 100 at most 30, the longest 30\n", out)
  end)
end)
