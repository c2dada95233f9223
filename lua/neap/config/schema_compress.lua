-- Rows of config/schema.lua: compress of a service.

local rows = {}

rows.compress = {
  { "codings", "codings", default = { "zstd", "br", "gzip" }, max = 3,
    show = "`{ \"zstd\", \"br\", \"gzip\" }`",
    text = "`\"zstd\"`, `\"br\"`, `\"gzip\"`: which codings there are. Of those that a client "
      .. "wants equally, the first is taken." },
  { "types", "list", max = 256, of = { "types[]", "media_type" },
    default = { "text/*", "application/json", "application/javascript", "application/xml",
      "application/wasm", "+json", "+xml", "font/ttf", "font/otf" },
    show = "texts and their like: docs/compress.md",
    text = "Media types of answers that are compressed: `\"text/html\"`, `\"text/*\"` for all of a "
      .. "kind, `\"+json\"` for all that end so. Answers to gRPC calls never are." },
  { "min_bytes", "integer", default = 1024, min = 0, max = 2 ^ 30, unit = "bytes",
    text = "Answers that say that they have less stay as they are." },
  { "levels", "section", section = "compress_levels", text = "How hard it tries." },
  { "answers", "integer", default = 256, min = 1, max = 1000000,
    text = "So many answers are compressed at a time, per worker. Those beyond that go out as they "
      .. "are." },
}

rows.compress_levels = {
  { "gzip", "integer", default = 5, min = 1, max = 9, text = "264 KiB an answer." },
  { "br", "integer", default = 4, min = 0, max = 6, text = "Up to 2 MiB an answer, 3.5 at 6." },
  { "zstd", "integer", default = 3, min = 1, max = 6, text = "Up to 1.8 MiB an answer, 4 at 6." },
}

return rows
