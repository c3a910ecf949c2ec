#define _GNU_SOURCE
#include "http1.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t http1_head_length(const uint8_t *data, size_t length) {
  const uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
  return end ? (size_t)(end - data) + 4 : 0;
}

const char *http1_field(const uint8_t *head, size_t length, const char *name, size_t *value_length) {
  size_t name_length = strlen(name);
  const char *line = (const char *)head, *end = line + length;
  while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
    line++;
    if ((size_t)(end - line) <= name_length || line[name_length] != ':' || strncasecmp(line, name, name_length)) continue;
    const char *value = line + name_length + 1, *stop = memchr(value, '\r', (size_t)(end - value));
    while (value < stop && *value == ' ') value++;
    *value_length = (size_t)(stop - value);
    return value;
  }
  return NULL;
}

bool http1_field_is(const uint8_t *head, size_t length, const char *name, const char *value) {
  size_t n;
  const char *found = http1_field(head, length, name, &n);
  return found && n == strlen(value) && !strncasecmp(found, value, n);
}

int http1_status(const uint8_t *head, size_t length) { return length > 12 && !memcmp(head, "HTTP/1.1 ", 9) ? atoi((const char *)head + 9) : 0; }
