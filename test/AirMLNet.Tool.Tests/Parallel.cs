// Each test waits for programs of its own and shares nothing with the others; two at a time take half the time.
[assembly: Parallelize(Workers = 2, Scope = ExecutionScope.ClassLevel)]
