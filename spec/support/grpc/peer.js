// As peer.py, for Node: a gRPC server and a client of @grpc/grpc-js, with messages of bytes.
"use strict"

const grpc = require("@grpc/grpc-js")

const bytes = { serialize: (message) => message, deserialize: (message) => message }

function method(name, requestStream, responseStream) {
  return {
    path: "/test.Echo/" + name, requestStream, responseStream,
    requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize,
  }
}

const service = {
  Unary: method("Unary", false, false), Who: method("Who", false, false),
  Upload: method("Upload", true, false), Download: method("Download", false, true),
  Chat: method("Chat", true, true), Endless: method("Endless", false, true),
  Fail: method("Fail", false, false), Echo: method("Echo", false, false),
  Sleep: method("Sleep", false, false), Nothing: method("Nothing", false, false),
}

const limits = {
  "grpc.max_receive_message_length": 16 << 20, "grpc.max_send_message_length": 16 << 20,
}

// ---- the server ----

function handlers(name) {
  return {
    Unary: (call, done) => done(null, Buffer.from(name + " " + call.request)),
    Who: (call, done) => done(null, Buffer.from(name)),
    Echo: (call, done) => done(null, call.request),
    Upload: (call, done) => {
      let length = 0
      call.on("data", (message) => { length += message.length })
      call.on("end", () => done(null, Buffer.from(String(length))))
    },
    Download: (call) => {
      const [count, size] = call.request.toString().split(" ").map(Number)
      for (let i = 0; i < count; i++) call.write(Buffer.from(i + " " + "x".repeat(size)))
      call.end()
    },
    Chat: (call) => {
      call.on("data", (message) => call.write(Buffer.from("re: " + message)))
      call.on("end", () => call.end())
    },
    Endless: (call) => {
      call.on("cancelled", () => console.log("endless is over"))
      call.write(Buffer.from("first"))
    },
    Sleep: (call, done) => setTimeout(() => done(null, Buffer.from("slept")),
      Number(call.request) * 1000),
    Fail: (call, done) => {
      const words = call.request.toString().split(" ")
      done({ code: Number(words[0]), details: words.slice(1).join(" ") })
    },
  }
}

function serve(name) {
  const server = new grpc.Server(limits)
  const { Nothing, ...known } = service
  server.addService(known, handlers(name))
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error
    console.log("port " + port)
  })
}

// ---- the client ----

function unary(client, name, text, options) {
  return new Promise((resolve) => {
    const deadline = Date.now() + ((options && options.timeout) || 30) * 1000
    client[name](Buffer.from(text), new grpc.Metadata(), { deadline }, (error, message) =>
      resolve(error ? [grpc.status[error.code], error.details] : ["OK", message.toString()]))
  })
}

function collect(stream) {
  return new Promise((resolve, reject) => {
    const all = []
    stream.on("data", (message) => all.push(message))
    stream.on("end", () => resolve(all))
    stream.on("error", reject)
  })
}

const scenarios = {
  async kinds(client) {
    const upload = new Promise((resolve) => {
      const stream = client.Upload((error, message) => resolve(error ? error.code : "" + message))
      for (let i = 0; i < 20; i++) stream.write(Buffer.alloc(70000))
      stream.end()
    })
    const chat = client.Chat()
    chat.write(Buffer.from("a"))
    chat.write(Buffer.from("b"))
    chat.end()
    const download = await collect(client.Download(Buffer.from("3 1000")))
    return [(await unary(client, "Unary", "hello"))[1], await upload,
      download.map((message) => message.length), (await collect(chat)).map(String)]
  },
  async names(client, count) {
    const all = []
    for (let i = 0; i < Number(count || 12); i++) all.push((await unary(client, "Who", ""))[1])
    return all
  },
  fails: (client, code, ...details) => unary(client, "Fail", code + " " + details.join(" ")),
  who: (client) => unary(client, "Who", ""),
  unknown: (client) => unary(client, "Nothing", ""),
  deadline: (client) => unary(client, "Sleep", "20", { timeout: 0.5 }),
  big: (client) => new Promise((resolve) => {
    const message = Buffer.alloc(4 << 20, "0123456789")
    client.Echo(message, (error, answer) => resolve(!error && answer.equals(message)))
  }),
  cancel: (client) => new Promise((resolve) => {
    const stream = client.Endless(Buffer.from(""))
    stream.on("error", () => {})
    stream.on("data", (message) => {
      stream.cancel()
      setTimeout(() => resolve(message.toString()), 200)
    })
  }),
}

async function ask(address, words) {
  const Client = grpc.makeGenericClientConstructor(service, "test.Echo")
  const client = new Client(address, grpc.credentials.createInsecure(), limits)
  const [name, ...rest] = words.split(" ")
  console.log(JSON.stringify(await scenarios[name](client, ...rest)))
  client.close()
}

const [role, ...rest] = process.argv.slice(2)
if (role === "server") serve(rest[0])
else ask(rest[0], rest[1])
