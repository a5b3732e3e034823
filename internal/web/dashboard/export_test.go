package dashboard

// Files are the files of the pages, for tests of the pages over HTTP.
var Files = files
