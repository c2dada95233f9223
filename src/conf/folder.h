/*
 * The names in a folder, for those of certificates.
 */
#ifndef NEAP_CONF_FOLDER_H
#define NEAP_CONF_FOLDER_H

#include "base/err.h"

enum { FOLDER_FILES_MAX = 65536 };

/*
 * Takes over fd, of the open folder at path. *names, for the caller to free: those of its files and
 * of what else it has, sorted by their bytes, each with a line feed after it; but neither hidden
 * ones nor such as have control characters.
 */
enum err folder_read(int fd, const char *path, char **names, struct error *e);

#endif
