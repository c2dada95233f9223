/*
 * What the build puts into the binary, sorted by name: Lua modules as bytecode under their module
 * name ("neap", "neap.policy.round_robin"), the FFI declarations as "abi.h", and under their path
 * assets and the source of modules that projects get (`neap init`). A zero follows the last byte of
 * each.
 */
#ifndef NEAP_LUA_EMBED_H
#define NEAP_LUA_EMBED_H

struct embed_file {
	const char *name;
	const unsigned char *data;
	unsigned long size;
};

extern const struct embed_file embed_files[];
extern const unsigned embed_files_count;

#endif
