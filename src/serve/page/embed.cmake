# Writes the page's files as string constants: cmake -DOUT=serve_page.cc -DFOLDER=... -P embed.cmake
function(append_constant name path)
  file(READ ${FOLDER}/${path} text)
  file(APPEND ${OUT} "extern const std::string_view ${name};\nconst std::string_view ${name} =")
  file(APPEND ${OUT} "\n    R\"kindred(${text})kindred\";\n")
endfunction()

file(WRITE ${OUT} "#include <string_view>\n\nnamespace kindred::serve {\n")
append_constant(kPage page.html)
append_constant(kStyle page.css)
append_constant(kScript page.js)
append_constant(kOpenApi openapi.json)
file(APPEND ${OUT} "}  // namespace kindred::serve\n")
