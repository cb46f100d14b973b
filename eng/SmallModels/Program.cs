using System.CommandLine;
using AirMLNet.SmallModels.Commands;
using AirMLNet.Tool;

var root = new RootCommand("Trains the small models of this repository, and writes the photos that they are shown on.")
{
    MiniClipCommand.Build(),
    ResNetClipCommand.Build(),
    MiniDiffusionCommand.Build(),
    MiniCaptionerCommand.Build(),
    Cifar10Command.Build(),
    MiniScenesCommand.Build(),
    ScenesClipCommand.Build(),
    ScenesDiffusionCommand.Build(),
};
return await CommandLine.RunAsync(root, "small-models", args);
