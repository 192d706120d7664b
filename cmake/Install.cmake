# `cmake --install build/release`, with DESTDIR for packagers. The unit names the directories that
# things really went to.
include(GNUInstallDirs)
set(WSPUSH_CONFIG_DIR /etc/wspushd CACHE PATH "Where the configuration file is installed")

file(READ systemd/wspushd.service unit)
string(REPLACE "/usr/bin/wspushd" "${CMAKE_INSTALL_FULL_BINDIR}/wspushd" unit "${unit}")
string(REPLACE "/etc/wspushd" "${WSPUSH_CONFIG_DIR}" unit "${unit}")
string(REPLACE "/usr/share/doc/wspushd" "${CMAKE_INSTALL_FULL_DOCDIR}" unit "${unit}")
file(WRITE ${PROJECT_BINARY_DIR}/wspushd.service "${unit}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS systemd/wspushd.service)

install(FILES ${PROJECT_BINARY_DIR}/wspushd.service DESTINATION lib/systemd/system)
install(FILES systemd/wspushd.sysusers DESTINATION lib/sysusers.d RENAME wspushd.conf)
install(FILES LICENSE README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
install(DIRECTORY conf DESTINATION ${CMAKE_INSTALL_DOCDIR})

# What an operator has written stays. (file(INSTALL) puts DESTDIR in front by itself.)
install(CODE "
  set(config \"\$ENV{DESTDIR}${WSPUSH_CONFIG_DIR}/wspushd.yaml\")
  if(EXISTS \"\${config}\")
    message(STATUS \"Kept: \${config}\")
  else()
    file(INSTALL \"${PROJECT_SOURCE_DIR}/conf/wspushd.yaml\" DESTINATION \"${WSPUSH_CONFIG_DIR}\")
  endif()")
