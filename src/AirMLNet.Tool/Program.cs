return await AirMLNet.Tool.CommandLine.RunAsync(AirMLNet.Tool.CommandLine.Build(), "airml", args);
