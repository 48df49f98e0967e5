/* The page that documents the wire formats, made from the tables that decoder and encoder use. */
#pragma once

#include <stdio.h>

/* page_write: writes the whole page as Markdown. */
void page_write(FILE *out);
