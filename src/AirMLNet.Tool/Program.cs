return await AirMLNet.Tool.CommandLine.RunAsync(args);
