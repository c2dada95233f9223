/*
 * What the build puts into the binary: Lua modules as bytecode under their module name ("neap",
 * "neap.policy.round_robin"), the FFI declarations as "abi.h", assets and the source of modules that
 * projects get (`neap init`) under their path. Each has a
 * zero behind its last byte. Sorted by name.
 */
#ifndef NEAP_SCRIPT_EMBED_H
#define NEAP_SCRIPT_EMBED_H

struct embed_file {
	const char *name;
	const unsigned char *data;
	unsigned long size;
};

extern const struct embed_file embed_files[];
extern const unsigned embed_files_count;

#endif
